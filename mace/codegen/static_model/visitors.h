// SPDX-License-Identifier: Apache-2.0
// The visitors of arguments.h: one that takes arguments apart, one that puts them together.
#ifndef MACE_CODEGEN_STATIC_MODEL_VISITORS_H_
#define MACE_CODEGEN_STATIC_MODEL_VISITORS_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "mace/base/status.h"
#include "mace/codegen/static_model/recorder.h"
#include "mace/kernels/copy/copy.h"

namespace mace {
namespace codegen {

// Takes arguments apart.
class Saver {
 public:
  Saver(Recorder *recorder, std::vector<Value> *values) : recorder_(recorder), values_(values) {}

  template <typename... T>
  void operator()(T &...arguments) {
    (One(arguments), ...);
  }
  template <typename Inner>
  void Braces(const Inner &inner) {
    Text("{");
    inner();
    Text("}");
  }
  template <typename Kernel>
  void Object(const Kernel *&kernel) {
    Text(recorder_->Declare(*kernel)).symbol = kernel;
  }
  template <typename Kernel>
  void Address(const Kernel *&kernel) {
    Text(kernel == nullptr ? "nullptr" : "&" + recorder_->Declare(*kernel)).symbol = kernel;
  }
  void Literal(const char *text) { Text(text); }
  // Not written, as it is the function itself.
  void Hidden(kernels::CopyKernel function) {
    Text("").symbol = reinterpret_cast<const void *>(function);
  }
  template <typename E>
  void Enum(E &value, const char *type) {
    const auto number = static_cast<int64_t>(value);
    Text(MakeString("static_cast<", type, ">(", number, ")")).integer = number;
  }

 private:
  Value &Text(const std::string &text) {
    values_->emplace_back();
    values_->back().text = text;
    return values_->back();
  }
  void One(bool &value) { Text(value ? "true" : "false").integer = value; }
  void One(int &value) { Text(MakeString(value)).integer = value; }
  void One(int64_t &value) { Integer(value); }
  void One(float &value) {
    values_->emplace_back();
    values_->back().kind = Value::Kind::kFloat;
    values_->back().number = value;
  }
  // A size in bytes.
  template <typename T, typename = std::enable_if_t<std::is_same<T, size_t>::value>>
  void One(T &value) {
    Integer(static_cast<int64_t>(value));
  }
  void One(const float *&pointer) { Pointer(pointer, "const float"); }
  void One(float *&pointer) { Pointer(pointer, "float"); }
  void One(const int64_t *&pointer) { Pointer(pointer, "const int64_t"); }
  void One(const uint8_t *&pointer) { Pointer(pointer, "const uint8_t"); }
  void One(uint8_t *&pointer) { Pointer(pointer, "uint8_t"); }
  void One(const void *&pointer) { Pointer(pointer, "const void"); }
  void One(void *&pointer) { Pointer(pointer, "void"); }

  void Integer(int64_t value) {
    values_->emplace_back();
    values_->back().kind = Value::Kind::kInteger;
    values_->back().integer = value;
  }
  void Pointer(const void *pointer, const char *type) {
    values_->emplace_back();
    values_->back().kind = Value::Kind::kPlace;
    values_->back().text = type;
    values_->back().place = recorder_->Find(pointer);
  }

  Recorder *recorder_;
  std::vector<Value> *values_;
};

// Puts arguments together for another memory.
class Loader {
 public:
  Loader(const std::vector<Value> &values, const Memory &memory)
      : value_(values.data()), memory_(memory) {}

  template <typename... T>
  void operator()(T &...arguments) {
    (One(arguments), ...);
  }
  template <typename Inner>
  void Braces(const Inner &inner) {
    ++value_;
    inner();
    ++value_;
  }
  template <typename Kernel>
  void Object(const Kernel *&kernel) {
    kernel = static_cast<const Kernel *>((value_++)->symbol);
  }
  template <typename Kernel>
  void Address(const Kernel *&kernel) {
    Object(kernel);
  }
  void Literal(const char *) { ++value_; }
  void Hidden(kernels::CopyKernel &function) {
    function =
        reinterpret_cast<kernels::CopyKernel>(reinterpret_cast<uintptr_t>((value_++)->symbol));
  }
  template <typename E>
  void Enum(E &value, const char *) {
    value = static_cast<E>((value_++)->integer);
  }

 private:
  void One(float &value) { value = (value_++)->number; }
  template <typename T>
  std::enable_if_t<std::is_integral<T>::value> One(T &value) {
    value = static_cast<T>((value_++)->integer);
  }
  template <typename T>
  void One(T *&pointer) {
    pointer = static_cast<T *>(memory_.At((value_++)->place));
  }

  const Value *value_;
  const Memory &memory_;
};

}  // namespace codegen
}  // namespace mace

#endif  // MACE_CODEGEN_STATIC_MODEL_VISITORS_H_
