// SPDX-License-Identifier: Apache-2.0
// A plugin of qemu-user 7.2 (TCG plugin interface 1) that counts executed instructions between
// the program's readings of the clock, so that the program needs no marks of its own.
//   qemu-aarch64 -plugin ./counter.so,out=FILE[,cache=1] PROGRAM
// What it writes is described at WriteInterval and at WriteBlocks; arm_count.py reads it.
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The part of the plugin interface that is used; Debian ships no header of it.
typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
typedef struct {
  const char *target_name;
  struct {
    int min, cur;
  } version;
  bool system_emulation;
} qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*TranslateCallback)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*SyscallCallback)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t,
                                uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
typedef void (*MemoryCallback)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, TranslateCallback);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int op, void *,
                                                     uint64_t);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, MemoryCallback, int flags,
                                             int rw, void *);
extern void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, SyscallCallback);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *),
                                           void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
extern unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);
extern uint64_t qemu_plugin_start_code(void);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

// A translated block: straight code that is entered at its first instruction.
typedef struct Block {
  uint64_t executed, reported;
  uint64_t address;
  uint32_t id, instructions;
  uint8_t *bytes;
  uint32_t size;
  struct Block *next;
} Block;

// Levels of a cache with 64-byte lines, least recently used first out.
typedef struct {
  int ways;
  uint64_t sets, misses;
  uint64_t *lines;  // [sets][ways], most recently used first; line number + 1
} Cache;

enum { kLineShift = 6 };

static FILE *g_out;
static Block *g_blocks;
static uint32_t g_block_count;
static bool g_is_arm32;
static bool g_simulate;
static Cache g_l1, g_l2;

static void MakeCache(Cache *cache, uint64_t bytes, int ways) {
  cache->ways = ways;
  cache->sets = (bytes >> kLineShift) / (uint64_t)ways;
  cache->lines = calloc(cache->sets * (uint64_t)ways, sizeof(uint64_t));
}

// Whether the line is there; it is afterwards.
static bool Touch(Cache *cache, uint64_t line) {
  uint64_t *set = cache->lines + line % cache->sets * (uint64_t)cache->ways;
  int i = 0;
  while (i < cache->ways - 1 && set[i] != line + 1) ++i;
  const bool hit = set[i] == line + 1;
  memmove(set + 1, set, (size_t)i * sizeof(*set));
  set[0] = line + 1;
  cache->misses += !hit;
  return hit;
}

static void OnMemory(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
  (void)cpu, (void)data;
  const uint64_t last = address + (1u << qemu_plugin_mem_size_shift(info)) - 1;
  for (uint64_t line = address >> kLineShift; line <= last >> kLineShift; ++line) {
    if (!Touch(&g_l1, line)) Touch(&g_l2, line);
  }
}

static void OnTranslate(qemu_plugin_id_t plugin, struct qemu_plugin_tb *tb) {
  (void)plugin;
  const size_t count = qemu_plugin_tb_n_insns(tb);
  Block *block = calloc(1, sizeof(Block));
  block->bytes = malloc(count * 4);
  block->instructions = (uint32_t)count;
  block->id = g_block_count++;
  for (size_t i = 0; i < count; ++i) {
    struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
    if (i == 0) block->address = qemu_plugin_insn_vaddr(instruction);
    // Before the end of a page the emulator looks at what follows a Thumb instruction of 4 bytes, and
    // counts it as part of that.
    size_t size = qemu_plugin_insn_size(instruction);
    if (size > 4) size = 4;
    memcpy(block->bytes + block->size, qemu_plugin_insn_data(instruction), size);
    block->size += (uint32_t)size;
    if (g_simulate) qemu_plugin_register_vcpu_mem_cb(instruction, OnMemory, 0, 3, NULL);
  }
  block->next = g_blocks;
  g_blocks = block;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &block->executed, 1);
}

// "interval L1_MISSES L2_MISSES ID COUNT ID COUNT ...": what ran since the line before.
static void WriteInterval(void) {
  fprintf(g_out, "interval %" PRIu64 " %" PRIu64, g_l1.misses, g_l2.misses);
  g_l1.misses = g_l2.misses = 0;
  for (Block *block = g_blocks; block != NULL; block = block->next) {
    const uint64_t executed = block->executed;
    if (executed == block->reported) continue;
    fprintf(g_out, " %u %" PRIu64, block->id, executed - block->reported);
    block->reported = executed;
  }
  fputc('\n', g_out);
}

// "block ID ADDRESS INSTRUCTIONS BYTES", in hexadecimal but for the first and third, with the
// address counted from the program's first code.
static void WriteBlocks(qemu_plugin_id_t plugin, void *data) {
  (void)plugin, (void)data;
  WriteInterval();
  const uint64_t start = qemu_plugin_start_code();
  for (const Block *block = g_blocks; block != NULL; block = block->next) {
    fprintf(g_out, "block %u %" PRIx64 " %u ", block->id, block->address - start,
            block->instructions);
    for (uint32_t i = 0; i < block->size; ++i) fprintf(g_out, "%02x", block->bytes[i]);
    fputc('\n', g_out);
  }
  fclose(g_out);
}

static void OnSyscall(qemu_plugin_id_t plugin, unsigned cpu, int64_t number, uint64_t a1,
                      uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
                      uint64_t a8) {
  (void)plugin, (void)cpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7;
  (void)a8;
  // clock_gettime, and on armv7 clock_gettime64 too.
  if (g_is_arm32 ? number == 263 || number == 403 : number == 113) WriteInterval();
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t plugin, const qemu_info_t *info, int argc,
                               char **argv) {
  for (int i = 0; i < argc; ++i) {
    if (strncmp(argv[i], "out=", 4) == 0) g_out = fopen(argv[i] + 4, "w");
    if (strcmp(argv[i], "cache=1") == 0) g_simulate = true;
  }
  if (g_out == NULL) {
    fprintf(stderr, "counter.so: out=FILE is missing or cannot be written\n");
    return 1;
  }
  g_is_arm32 = strcmp(info->target_name, "arm") == 0;
  // Like Neoverse N1 and Cortex-A76.
  MakeCache(&g_l1, 64 << 10, 4);
  MakeCache(&g_l2, 512 << 10, 8);
  qemu_plugin_register_vcpu_tb_trans_cb(plugin, OnTranslate);
  qemu_plugin_register_vcpu_syscall_cb(plugin, OnSyscall);
  qemu_plugin_register_atexit_cb(plugin, WriteBlocks, NULL);
  return 0;
}
