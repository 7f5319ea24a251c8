/* SPDX-License-Identifier: Apache-2.0
 * The same application in C99. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mace/public/mace_c.h"

int main(int argc, char **argv) {
  static float x[192], y[256];
  static unsigned char graph[1 << 20];
  mace_tensor in, out;
  mace_config config;
  mace_engine *engine = NULL;
  double sum = 0;
  size_t size;
  FILE *file;
  int i;
  if (argc < 3 || (file = fopen(argv[1], "rb")) == NULL) return 2;
  size = fread(graph, 1, sizeof graph, file);
  fclose(file);
  mace_config_init(&config);
  if (argc > 3) config.device = 2; /* GPU */
  if (mace_engine_create(graph, size, NULL, 0, argv[2], &config, &engine) != 0) {
    puts(mace_last_error());
    return 1;
  }
  for (i = 0; i < 192; ++i) x[i] = 1.f;
  if (mace_engine_input(engine, 0, &in) != 0 || mace_engine_output(engine, 0, &out) != 0) return 1;
  in.data = x;
  in.bytes = sizeof x;
  out.data = y;
  out.bytes = sizeof y;
  if (mace_engine_run(engine, &in, 1, &out, 1, NULL, NULL) != 0) {
    puts(mace_last_error());
    return 1;
  }
  for (i = 0; i < 256; ++i) sum += y[i];
  printf("%.3f\n", sum);
  mace_engine_destroy(engine);
  return 0;
}
