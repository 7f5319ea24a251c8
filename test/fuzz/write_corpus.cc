// SPDX-License-Identifier: Apache-2.0
// Writes small models for the fuzzers to begin with: write_corpus FOLDER (which must exist).
#include <cstdio>
#include <string>

#include "mace/core/model_reader.h"
#include "test/api/models.h"

namespace {

bool Write(const std::string &path, const std::string &bytes) {
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return std::fclose(file) == 0 && written;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_corpus FOLDER\n");
    return 2;
  }
  const mace::ModelFiles models[] = {mace::test::AddOneModel(), mace::test::SmallNet(),
                                     mace::test::ManyOutputsModel()};
  int number = 0;
  for (const mace::ModelFiles &files : models) {
    mace::ModelDef model;
    if (!mace::ReadModel(files.graph.data(), files.graph.size(), &model).ok()) return 1;
    const std::string net = mace::SerializeNet(model.net);
    std::string input = {static_cast<char>(net.size() & 255), static_cast<char>(net.size() >> 8)};
    input += net;
    if (files.data_size > 0) input += files.data_string();
    const std::string stem = std::string(argv[1]) + "/model" + std::to_string(number++);
    if (!Write(stem + ".net", input) || !Write(stem + ".pb", files.graph)) {
      std::fprintf(stderr, "cannot write %s\n", stem.c_str());
      return 1;
    }
  }
  return 0;
}
