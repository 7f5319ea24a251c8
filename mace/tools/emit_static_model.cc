// SPDX-License-Identifier: Apache-2.0
// emit_static_model: writes a converted model as straight-line code for the machine that it runs
// on. A tool of mace convert; see emitter.h. It prints what it made, or why not, as JSON.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "mace/base/isa.h"
#include "mace/base/mapped_file.h"
#include "mace/codegen/static_model/emitter.h"
#include "mace/tools/flags.h"

namespace mace {
namespace tools {
namespace {

using codegen::EmitStaticModel;
using codegen::StaticInterface;
using codegen::StaticModel;

struct Options {
  std::string model_file, model_data_file, name, output_dir, isa;
};

nlohmann::json ToJson(const std::vector<StaticInterface> &interfaces) {
  nlohmann::json list = nlohmann::json::array();
  for (const StaticInterface &each : interfaces) {
    list.push_back({{"name", each.name},
                    {"dtype", DataTypeName(each.dtype)},
                    {"shape", each.dims},
                    {"bytes", each.bytes}});
  }
  return list;
}

nlohmann::json ToJson(const StaticModel &model) {
  nlohmann::json isas = nlohmann::json::array();
  for (int bit = 0; bit < 32; ++bit) {
    if ((model.isas >> bit & 1u) != 0) isas.push_back(IsaName(static_cast<Isa>(1u << bit)));
  }
  return {{"inputs", ToJson(model.inputs)},
          {"outputs", ToJson(model.outputs)},
          {"arena_bytes", model.arena_bytes},
          {"constant_bytes", model.constants.size()},
          {"isas", isas},
          {"isa_bits", model.isas},
          {"eltwise_table", model.eltwise_table},
          {"calls", model.calls}};
}

MaceStatus WriteFile(const std::string &path, const std::string &content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (file.good()) return MaceStatus::MACE_SUCCESS;
  return RuntimeError("cannot write '", path, "'; is there room on the device?");
}

// Has the engine choose the kernels of an instruction set.
MaceStatus ChooseIsa(const std::string &name) {
  setenv("MACE_ISA", name.c_str(), 1);
  for (int bit = 0; bit < 32; ++bit) {
    const Isa isa = static_cast<Isa>(1u << bit);
    if (name == IsaName(isa) && (SupportedIsas() & isa) != 0) return MaceStatus::MACE_SUCCESS;
  }
  return Unsupported("the machine that writes the code does not have ", name,
                     ", so it cannot say what such a machine would do; choose another static_isa");
}

MaceStatus Emit(const Options &options, nlohmann::json *report) {
  MACE_RETURN_IF_ERROR(ChooseIsa(options.isa));
  MappedFile graph, data;
  MACE_RETURN_IF_ERROR(graph.Open(options.model_file));
  MACE_RETURN_IF_ERROR(data.Open(options.model_data_file));
  StaticModel model;
  std::vector<std::string> problems;
  MACE_RETURN_IF_ERROR(EmitStaticModel(graph.data(), graph.size(), data.data(), data.size(),
                                       options.name, &model, &problems));
  if (!problems.empty()) {
    *report = {{"problems", problems}};
    return MaceStatus::MACE_SUCCESS;
  }
  const std::string path = options.output_dir + "/" + options.name;
  MACE_RETURN_IF_ERROR(WriteFile(path + ".cc", model.source));
  MACE_RETURN_IF_ERROR(WriteFile(path + ".bin", model.constants));
  *report = ToJson(model);
  return MaceStatus::MACE_SUCCESS;
}

int Main(int argc, char **argv) {
  Options options;
  Flags flags;
  flags.Add("model_file", &options.model_file, "the model.pb");
  flags.Add("model_data_file", &options.model_data_file, "the model.data");
  flags.Add("name", &options.name, "of the model, an identifier of C++");
  flags.Add("isa", &options.isa, "the instruction set that the code is for, as in MACE_ISA");
  flags.Add("output_dir", &options.output_dir, "folder for <name>.cc and <name>.bin");
  MaceStatus status = flags.Parse(argc, argv);
  if (flags.help()) {
    std::printf("Writes a converted model as straight-line code.\n\n%s", flags.Usage().c_str());
    return EXIT_SUCCESS;
  }
  nlohmann::json report;
  if (status.ok()) status = Emit(options, &report);
  if (!status.ok()) report = {{"problems", {status.message()}}};
  std::cout << report.dump() << std::endl;
  return report.contains("problems") ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace
}  // namespace tools
}  // namespace mace

int main(int argc, char **argv) { return mace::tools::Main(argc, argv); }
