// SPDX-License-Identifier: Apache-2.0
// The models that a program carries in itself, for the programs that find a model by its name.
// Applications use the headers that are generated for their models instead.
#ifndef MACE_CODEGEN_EMBEDDED_MODEL_H_
#define MACE_CODEGEN_EMBEDDED_MODEL_H_

#include <cstddef>

namespace mace {

// Content of model.pb and of model.data, both 64-byte aligned and there for ever. data is null when
// the weights are in a file.
struct EmbeddedModel {
  const char *name;
  const void *graph;
  size_t graph_size;
  const void *data;
  size_t data_size;
  // Of an encrypted model whose key is in the program: 64 bytes, whose halves give the key by
  // exclusive or. Else null.
  const void *key_shares;
};

// The model of that name; null if there is none. With an index from 0 on: the models in turn, null
// after the last.
const EmbeddedModel *FindEmbeddedModel(const char *name);
const EmbeddedModel *EmbeddedModelAt(int index);

}  // namespace mace

#endif  // MACE_CODEGEN_EMBEDDED_MODEL_H_
