// SPDX-License-Identifier: Apache-2.0
// The native part of org.mace.MaceEngine and GpuContext, over the C interface. Java checks nothing
// that is checked there; what is checked here is that buffers are direct and names are names.
#include <jni.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mace/public/mace_c.h"
#include "mace/public/mace_gpu.h"

namespace {

constexpr int32_t kInvalidArgs = 1, kOutOfResources = 2;

// Leaves a MaceException to be thrown when the native method returns.
void Throw(JNIEnv *env, int32_t code, const char *message) {
  if (env->ExceptionCheck()) return;
  jclass type = env->FindClass("org/mace/MaceException");
  if (type == nullptr) return;
  jmethodID make = env->GetMethodID(type, "<init>", "(ILjava/lang/String;)V");
  jstring text = env->NewStringUTF(message);
  if (make == nullptr || text == nullptr) return;
  jobject error = env->NewObject(type, make, static_cast<jint>(code), text);
  if (error != nullptr) env->Throw(static_cast<jthrowable>(error));
}

mace_engine *Engine(jlong handle) {
  return reinterpret_cast<mace_engine *>(static_cast<intptr_t>(handle));
}

std::string Text(JNIEnv *env, jstring text) {
  const char *chars = text == nullptr ? nullptr : env->GetStringUTFChars(text, nullptr);
  if (chars == nullptr) return "";
  std::string copy(chars);
  env->ReleaseStringUTFChars(text, chars);
  return copy;
}

mace_gpu_context *Context(jlong handle) {
  return reinterpret_cast<mace_gpu_context *>(static_cast<intptr_t>(handle));
}

// The settings in the order of MaceEngine.create. False after an exception.
bool ReadNumbers(JNIEnv *env, jintArray array, mace_config *config) {
  jint numbers[8];
  env->GetIntArrayRegion(array, 0, 8, numbers);
  if (env->ExceptionCheck()) return false;
  config->device = numbers[0];
  config->num_threads = numbers[1];
  config->affinity = numbers[2];
  config->gpu_perf_hint = numbers[3];
  config->gpu_priority_hint = numbers[4];
  config->gpu_data_type = numbers[5];
  config->gpu_memory_type = numbers[6];
  config->cpu_fallback = numbers[7];
  return true;
}

// The class Tensor and what is used of it; valid when `make` is not null.
struct TensorClass {
  jclass type = nullptr;
  jmethodID make = nullptr, buffer = nullptr;
  jfieldID name = nullptr, data_type = nullptr, code = nullptr, shape = nullptr, data = nullptr;
  jclass buffer_type = nullptr;

  explicit TensorClass(JNIEnv *env) {
    type = env->FindClass("org/mace/Tensor");
    jclass data_types = type == nullptr ? nullptr : env->FindClass("org/mace/DataType");
    if (data_types != nullptr) buffer_type = env->FindClass("java/nio/ByteBuffer");
    if (buffer_type == nullptr) return;
    name = env->GetFieldID(type, "name", "Ljava/lang/String;");
    data_type = env->GetFieldID(type, "type", "Lorg/mace/DataType;");
    shape = env->GetFieldID(type, "shape", "[J");
    data = env->GetFieldID(type, "data", "Ljava/nio/ByteBuffer;");
    code = env->GetFieldID(data_types, "code", "I");
    buffer = env->GetStaticMethodID(buffer_type, "allocateDirect", "(I)Ljava/nio/ByteBuffer;");
    if (env->ExceptionCheck()) return;
    make = env->GetStaticMethodID(type, "make",
                                  "(Ljava/lang/String;I[JLjava/nio/ByteBuffer;)Lorg/mace/Tensor;");
  }

  // A Tensor for a description; null after an exception.
  jobject Make(JNIEnv *env, const mace_tensor &tensor, jobject buffer_of) const {
    const jsize rank = tensor.rank < 0 ? 0 : tensor.rank;
    jstring text = env->NewStringUTF(tensor.name);
    jlongArray dims = text == nullptr ? nullptr : env->NewLongArray(rank);
    if (dims == nullptr) return nullptr;
    static_assert(sizeof(jlong) == sizeof(int64_t), "dims are copied as they are");
    env->SetLongArrayRegion(dims, 0, rank, reinterpret_cast<const jlong *>(tensor.dims));
    return env->CallStaticObjectMethod(type, make, text, static_cast<jint>(tensor.dtype), dims,
                                       buffer_of);
  }
};

// Outputs get their memory from Java, so that nothing has to be copied or freed.
struct Outputs {
  JNIEnv *env;
  const TensorClass *tensors;
  std::vector<jobject> buffers;
};

void *Allocate(void *user, size_t index, const mace_tensor *output) {
  auto *outputs = static_cast<Outputs *>(user);
  JNIEnv *env = outputs->env;
  if (env->ExceptionCheck() || output->bytes > static_cast<size_t>(INT32_MAX)) return nullptr;
  // One byte at least: a buffer of none has no address.
  const auto bytes = static_cast<jint>(output->bytes == 0 ? 1 : output->bytes);
  jobject buffer =
      env->CallStaticObjectMethod(outputs->tensors->buffer_type, outputs->tensors->buffer, bytes);
  if (buffer == nullptr || env->ExceptionCheck()) return nullptr;
  outputs->buffers[index] = buffer;
  return env->GetDirectBufferAddress(buffer);
}

// The inputs as the C interface wants them; `names` keeps their names. False after an exception.
bool ReadInputs(JNIEnv *env, const TensorClass &tensors, jobjectArray array,
                std::vector<std::string> *names, std::vector<mace_tensor> *inputs) {
  const auto count = static_cast<size_t>(env->GetArrayLength(array));
  names->resize(count);
  inputs->resize(count);
  for (size_t i = 0; i < count; ++i) {
    jobject item = env->GetObjectArrayElement(array, static_cast<jsize>(i));
    if (item == nullptr) {
      Throw(env, kInvalidArgs, "an input is null");
      return false;
    }
    (*names)[i] = Text(env, static_cast<jstring>(env->GetObjectField(item, tensors.name)));
    jobject type = env->GetObjectField(item, tensors.data_type);
    auto shape = static_cast<jlongArray>(env->GetObjectField(item, tensors.shape));
    jobject data = env->GetObjectField(item, tensors.data);
    void *address = data == nullptr ? nullptr : env->GetDirectBufferAddress(data);
    if (type == nullptr || shape == nullptr || address == nullptr ||
        env->GetArrayLength(shape) > MACE_C_MAX_RANK) {
      Throw(env, kInvalidArgs,
            ("the input '" + (*names)[i] +
             "' has no data or too many "
             "dimensions; there may be 6")
                .c_str());
      return false;
    }
    mace_tensor &input = (*inputs)[i];
    input = {};
    input.name = (*names)[i].c_str();
    input.dtype = env->GetIntField(type, tensors.code);
    input.rank = env->GetArrayLength(shape);
    env->GetLongArrayRegion(shape, 0, input.rank, reinterpret_cast<jlong *>(input.dims));
    input.data = address;
    input.bytes = static_cast<size_t>(env->GetDirectBufferCapacity(data));
    env->DeleteLocalRef(data);
    env->DeleteLocalRef(shape);
    env->DeleteLocalRef(type);
    env->DeleteLocalRef(item);
  }
  return true;
}

}  // namespace

extern "C" {

JNIEXPORT jstring JNICALL Java_org_mace_MaceEngine_version(JNIEnv *env, jclass) {
  return env->NewStringUTF(mace_version());
}

JNIEXPORT jlong JNICALL Java_org_mace_MaceEngine_create(JNIEnv *env, jclass, jobject graph,
                                                        jobject data, jstring path,
                                                        jintArray numbers, jlong memory_limit,
                                                        jstring storage, jbyteArray key,
                                                        jlong context) {
  const void *graph_bytes = graph == nullptr ? nullptr : env->GetDirectBufferAddress(graph);
  const void *data_bytes = data == nullptr ? nullptr : env->GetDirectBufferAddress(data);
  if (graph_bytes == nullptr || (data != nullptr && data_bytes == nullptr) || memory_limit < 0) {
    Throw(env, kInvalidArgs,
          "graph and data must be direct buffers that are not empty, and the memory limit not "
          "negative");
    return 0;
  }
  mace_config config;
  mace_config_init(&config);
  if (!ReadNumbers(env, numbers, &config)) return 0;
  const auto limit = static_cast<uint64_t>(memory_limit);
  config.memory_limit = limit > SIZE_MAX ? SIZE_MAX : static_cast<size_t>(limit);
  config.gpu_context = Context(context);
  const std::string file = Text(env, path), folder = Text(env, storage);
  if (storage != nullptr) config.storage_path = folder.c_str();
  std::vector<jbyte> key_bytes(key == nullptr ? 0 : static_cast<size_t>(env->GetArrayLength(key)));
  if (key != nullptr) {
    env->GetByteArrayRegion(key, 0, static_cast<jsize>(key_bytes.size()), key_bytes.data());
    config.model_key = key_bytes.data();
    config.model_key_size = key_bytes.size();
  }
  mace_engine *engine = nullptr;
  const mace_code code = mace_engine_create(
      graph_bytes, static_cast<size_t>(env->GetDirectBufferCapacity(graph)), data_bytes,
      data == nullptr ? 0 : static_cast<size_t>(env->GetDirectBufferCapacity(data)),
      path == nullptr ? nullptr : file.c_str(), &config, &engine);
  for (jbyte &byte : key_bytes) *static_cast<volatile jbyte *>(&byte) = 0;
  if (code != 0) Throw(env, code, mace_last_error());
  return static_cast<jlong>(reinterpret_cast<intptr_t>(engine));
}

JNIEXPORT void JNICALL Java_org_mace_MaceEngine_destroy(JNIEnv *, jclass, jlong handle) {
  mace_engine_destroy(Engine(handle));
}

JNIEXPORT jobjectArray JNICALL Java_org_mace_MaceEngine_describe(JNIEnv *env, jclass, jlong handle,
                                                                 jboolean of_inputs) {
  const TensorClass tensors(env);
  if (tensors.make == nullptr) return nullptr;
  mace_engine *engine = Engine(handle);
  const size_t count =
      of_inputs ? mace_engine_input_count(engine) : mace_engine_output_count(engine);
  jobjectArray found = env->NewObjectArray(static_cast<jsize>(count), tensors.type, nullptr);
  for (size_t i = 0; found != nullptr && i < count; ++i) {
    mace_tensor info = {};
    const mace_code code =
        of_inputs ? mace_engine_input(engine, i, &info) : mace_engine_output(engine, i, &info);
    if (code != 0) {
      Throw(env, code, mace_last_error());
      return nullptr;
    }
    jobject tensor = tensors.Make(env, info, nullptr);
    if (env->ExceptionCheck()) return nullptr;
    env->SetObjectArrayElement(found, static_cast<jsize>(i), tensor);
    env->DeleteLocalRef(tensor);
  }
  return found;
}

JNIEXPORT jobjectArray JNICALL Java_org_mace_MaceEngine_run(JNIEnv *env, jclass, jlong handle,
                                                            jobjectArray array) {
  const TensorClass tensors(env);
  std::vector<std::string> names;
  std::vector<mace_tensor> inputs;
  if (tensors.make == nullptr || !ReadInputs(env, tensors, array, &names, &inputs)) return nullptr;
  mace_engine *engine = Engine(handle);
  std::vector<mace_tensor> outputs(mace_engine_output_count(engine));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const mace_code code = mace_engine_output(engine, i, &outputs[i]);
    if (code != 0) {
      Throw(env, code, mace_last_error());
      return nullptr;
    }
    outputs[i].data = nullptr;
    outputs[i].bytes = 0;
  }
  Outputs memory = {env, &tensors, std::vector<jobject>(outputs.size(), nullptr)};
  if (env->EnsureLocalCapacity(static_cast<jint>(2 * outputs.size() + 16)) != 0) return nullptr;
  const mace_code code = mace_engine_run_alloc(engine, inputs.data(), inputs.size(), outputs.data(),
                                               outputs.size(), Allocate, nullptr, &memory);
  if (env->ExceptionCheck()) return nullptr;
  if (code != 0) {
    Throw(env, code, mace_last_error());
    return nullptr;
  }
  jobjectArray found =
      env->NewObjectArray(static_cast<jsize>(outputs.size()), tensors.type, nullptr);
  for (size_t i = 0; found != nullptr && i < outputs.size(); ++i) {
    if (memory.buffers[i] == nullptr) {
      Throw(env, kOutOfResources, "the engine asked for no memory for an output");
      return nullptr;
    }
    jobject tensor = tensors.Make(env, outputs[i], memory.buffers[i]);
    if (env->ExceptionCheck()) return nullptr;
    env->SetObjectArrayElement(found, static_cast<jsize>(i), tensor);
    env->DeleteLocalRef(tensor);
  }
  return found;
}

JNIEXPORT jlong JNICALL Java_org_mace_GpuContext_create(JNIEnv *env, jclass, jstring storage,
                                                        jstring binaries, jstring parameters) {
  const jstring given[3] = {storage, binaries, parameters};
  std::string texts[3];
  const char *paths[3];
  for (int i = 0; i < 3; ++i) {
    texts[i] = Text(env, given[i]);
    paths[i] = given[i] == nullptr ? nullptr : texts[i].c_str();
  }
  mace_gpu_context *context = nullptr;
  const mace_code code = mace_gpu_context_create(paths[0], paths[1], paths[2], &context);
  if (code != 0) Throw(env, code, mace_last_error());
  return static_cast<jlong>(reinterpret_cast<intptr_t>(context));
}

JNIEXPORT void JNICALL Java_org_mace_GpuContext_limit(JNIEnv *env, jclass, jlong handle,
                                                      jint micros, jint queued) {
  const mace_code code = mace_gpu_context_limit(Context(handle), micros, queued);
  if (code != 0) Throw(env, code, mace_last_error());
}

JNIEXPORT void JNICALL Java_org_mace_GpuContext_compileInBackground(JNIEnv *env, jclass,
                                                                    jlong handle,
                                                                    jboolean background) {
  const mace_code code = mace_gpu_context_compile_in_background(Context(handle), background);
  if (code != 0) Throw(env, code, mace_last_error());
}

JNIEXPORT void JNICALL Java_org_mace_GpuContext_tune(JNIEnv *env, jclass, jlong handle) {
  const mace_code code = mace_gpu_context_tune(Context(handle), nullptr, nullptr);
  if (code != 0) Throw(env, code, mace_last_error());
}

JNIEXPORT void JNICALL Java_org_mace_GpuContext_destroy(JNIEnv *, jclass, jlong handle) {
  mace_gpu_context_destroy(Context(handle));
}

}  // extern "C"
