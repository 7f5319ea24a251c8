// SPDX-License-Identifier: Apache-2.0
// An application outside the tree for a model of one float input and one float output, in each form
// that MODEL can have: files (nothing defined), code (FROM_CODE), straight-line code (STRAIGHT_LINE).
//   deployed INPUT_FILE OUTPUT_FILE OUTPUT_ELEMENTS [model.pb model.data]
// prints the milliseconds until it was ready, and those of the first inference.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
#ifdef STRAIGHT_LINE
#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#include TEXT(mace/public/MODEL.h)
#elif defined(FROM_CODE)
#include "mace/public/mace_engine_factory.h"
#else
#include "mace/public/mace.h"
#endif

namespace {

std::vector<char> ReadFile(const char *path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

double Now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(time).count();
}

void Fail(const char *what, const std::string &why) {
  std::fprintf(stderr, "%s: %s\n", what, why.c_str());
  std::exit(1);
}

#ifdef STRAIGHT_LINE
class Model {
 public:
  explicit Model(char **) {
    if (const char *problem = JOIN(MODEL, _problem)()) Fail("problem", problem);
  }
  void Run(float *input, size_t, float *output, size_t) {
    const void *inputs[] = {input};
    void *outputs[] = {output};
    const int code = JOIN(MODEL, _run)(inputs, outputs, nullptr);
    if (code != 0) Fail("run", std::to_string(code));
  }
};
#else
class Model {
 public:
  explicit Model(char **words) {
    mace::MaceEngineConfig config(mace::DeviceType::CPU);
    Check(config.SetCPUThreadPolicy(1, mace::CPUAffinityPolicy::AFFINITY_NONE));
#ifdef FROM_CODE
    (void)words;
    Check(mace::CreateMaceEngineFromCode(TEXT(MODEL), "", {}, {}, config, &engine_));
#else
    const std::vector<char> graph = ReadFile(words[0]);
    const std::vector<unsigned char> bytes(graph.begin(), graph.end());
    Check(mace::CreateMaceEngineFromProto(bytes, words[1], {}, {}, config, &engine_));
#endif
  }
  void Run(float *input, size_t in_elements, float *output, size_t out_elements) {
    std::map<std::string, mace::MaceTensor> inputs, outputs;
    inputs[engine_->inputs()[0].name] = View(engine_->inputs()[0], input, in_elements);
    outputs[engine_->outputs()[0].name] = View(engine_->outputs()[0], output, out_elements);
    Check(engine_->Run(inputs, &outputs));
  }

 private:
  static void Check(const mace::MaceStatus &status) {
    if (status != mace::MaceStatus::MACE_SUCCESS) Fail("mace", status.information());
  }
  static mace::MaceTensor View(const mace::MaceTensorInfo &info, float *data, size_t elements) {
    int64_t count = 1;
    for (int64_t dim : info.shape) count *= dim;
    if (count != static_cast<int64_t>(elements)) Fail(info.name.c_str(), "another size");
    return mace::MaceTensor(info.shape, std::shared_ptr<float>(data, [](float *) {}),
                            info.data_format);
  }
  std::shared_ptr<mace::MaceEngine> engine_;
};
#endif

}  // namespace

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  std::vector<char> bytes = ReadFile(argv[1]);
  std::vector<float> output(static_cast<size_t>(std::atoi(argv[3])));
  float *input = reinterpret_cast<float *>(bytes.data());
  const double begin = Now();
  Model model(argv + 4);
  const double ready = Now();
  model.Run(input, bytes.size() / sizeof(float), output.data(), output.size());
  const double first = Now();
  std::ofstream(argv[2], std::ios::binary)
      .write(reinterpret_cast<const char *>(output.data()),
             static_cast<std::streamsize>(output.size() * sizeof(float)));
  std::printf("%.3f %.3f\n", ready - begin, first - ready);
  return 0;
}
