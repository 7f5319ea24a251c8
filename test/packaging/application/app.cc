// SPDX-License-Identifier: Apache-2.0
// An application outside the tree, in C++: loads a model of one input x and one output y, runs it
// on ones, on the GPU if there is a third argument, and prints the sum of the result.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mace/public/mace.h"

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<unsigned char> graph{std::istreambuf_iterator<char>(file), {}};
  const mace::MaceEngineConfig config(argc > 3 ? mace::DeviceType::GPU : mace::DeviceType::CPU);
  std::shared_ptr<mace::MaceEngine> engine;
  mace::MaceStatus status =
      mace::CreateMaceEngineFromProto(graph, argv[2], {"x"}, {"y"}, config, &engine);
  if (status != mace::MaceStatus::MACE_SUCCESS) {
    std::printf("%s\n", status.information().c_str());
    return 1;
  }
  const std::vector<int64_t> in = {1, 8, 8, 3}, out = {1, 8, 8, 4};
  std::shared_ptr<float> x(new float[192], std::default_delete<float[]>());
  std::shared_ptr<float> y(new float[256], std::default_delete<float[]>());
  for (int i = 0; i < 192; ++i) x.get()[i] = 1.f;
  std::map<std::string, mace::MaceTensor> inputs, outputs;
  inputs["x"] = mace::MaceTensor(in, x);
  outputs["y"] = mace::MaceTensor(out, y);
  status = engine->Run(inputs, &outputs);
  if (status != mace::MaceStatus::MACE_SUCCESS) {
    std::printf("%s\n", status.information().c_str());
    return 1;
  }
  double sum = 0;
  for (int i = 0; i < 256; ++i) sum += y.get()[i];
  std::printf("%.3f\n", sum);
  return 0;
}
