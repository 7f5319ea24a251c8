// SPDX-License-Identifier: Apache-2.0
// Models that ask for arithmetic with fewer bits. Binary16 (data_type: fp16_fp16), on a CPU that
// has it: which tensors are held and which operators computed so, decided on the model before a net
// is made of it.
#ifndef MACE_CORE_HALF_ARITHMETIC_H_
#define MACE_CORE_HALF_ARITHMETIC_H_

#include "mace/core/model.h"
#include "mace/core/op_registry.h"

namespace mace {

// Whether the model asks for it.
bool WantsHalfArithmetic(const NetDef &net);

// Whether the model asks for products of bfloat16 factors (data_type: bf16_fp32).
bool WantsBf16Products(const NetDef &net);

// Lets the operators of a verified net that gain by it work on float16 tensors: convolutions with
// constant filters, sums that follow them, and what only moves elements between them. Cast is put
// in front of and behind all others, inputs and outputs of the model stay as they are. Nothing
// changes if `registry` lacks what it takes, or if the model has float16 tensors of its own.
void UseHalfArithmetic(const OpRegistryBase &registry, NetDef *net);

}  // namespace mace

#endif  // MACE_CORE_HALF_ARITHMETIC_H_
