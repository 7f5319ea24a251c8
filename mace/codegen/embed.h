// SPDX-License-Identifier: Apache-2.0
// For assembler sources: MACE_EMBED(symbol, "path") makes the bytes of a file a constant, 64-byte
// aligned, from `symbol` to `symbol_end`. The assembler copies them, so that 100 MB of weights take
// a second and not the hours of a compiler that reads them as numbers.
#ifndef MACE_CODEGEN_EMBED_H_
#define MACE_CODEGEN_EMBED_H_

// Assembler, which is no code to clang-format.
// clang-format off
#define MACE_EMBED(symbol, path)              \
  .section .rodata.symbol, "a", %progbits;    \
  .balign 64;                                 \
  .globl symbol;                              \
  .hidden symbol;                             \
  .type symbol, %object;                      \
  symbol: .incbin path;                       \
  .globl symbol##_end;                        \
  .hidden symbol##_end;                       \
  symbol##_end: .byte 0;                      \
  .size symbol, . - symbol

// Without this the linker would make the stack of the whole program executable.
#define MACE_EMBED_END .section .note.GNU-stack, "", %progbits

// clang-format on

#endif  // MACE_CODEGEN_EMBED_H_
