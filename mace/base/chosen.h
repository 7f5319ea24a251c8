// SPDX-License-Identifier: Apache-2.0
// What a library for chosen models (mace build --selective) can compute, as sets of numbers of
// enums. Constants of the program as a whole: a linker that optimizes it drops the code of all
// else. Operators and the verifier refuse what is not in the sets.
#ifndef MACE_BASE_CHOSEN_H_
#define MACE_BASE_CHOSEN_H_

#include <cstdint>

namespace mace {

// Bit n of a set: number n is in it.
struct Chosen {
  uint32_t types;        // DataType: elements of tensors
  uint32_t binary;       // kernels::BinaryFunction, of float32 as all below
  uint32_t unary;        // kernels::UnaryFunction
  uint32_t activations;  // kernels::ActivationFunction
  uint32_t reductions;   // kernels::ReduceFunction
};

extern const Chosen kChosen;

constexpr bool Contains(uint32_t set, int number) { return (set >> number & 1) != 0; }

// Ends the program: an operator calls for a function that is not in kChosen and did not refuse to,
// which is a mistake of the table of what operators call for (mace/python/mace/packaging).
[[noreturn]] void NotChosen();

// How messages end that refuse what is not in kChosen.
constexpr char kNotChosen[] =
    "this library was built for other models and left it out; run mace build --selective with this "
    "model too";

}  // namespace mace

#endif  // MACE_BASE_CHOSEN_H_
