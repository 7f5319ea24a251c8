/* SPDX-License-Identifier: Apache-2.0 */
/* A program in C that has nothing but mace_c.h and the finished library: that the header is C, that
   what it declares is exported, that a bad model is an error. */
#include <stdio.h>
#include <string.h>

#include "mace/public/mace_c.h"

static int failures = 0;

static void expect(int condition, const char *what) {
  if (condition) return;
  printf("not so: %s (%s)\n", what, mace_last_error());
  ++failures;
}

int main(void) {
  static const char kNoModel[] = "this is no model";
  mace_config config;
  mace_engine *engine = NULL;
  mace_tensor tensor;
  mace_memory memory;
  memset(&tensor, 0, sizeof(tensor));
  mace_config_init(&config);
  expect(config.struct_size == sizeof(config), "the library knows the same mace_config");
  expect(strncmp(mace_version(), "MACEVER-", 8) == 0, "the version begins with MACEVER-");
  expect(strcmp(mace_last_error(), "") == 0, "no error before the first");
  expect(mace_engine_create(kNoModel, sizeof(kNoModel), NULL, 0, NULL, &config, &engine) == 1,
         "a text is refused as invalid");
  expect(engine == NULL, "no engine is left behind");
  expect(strstr(mace_last_error(), "model") != NULL, "the error says why");
  expect(mace_infer_shapes(kNoModel, sizeof(kNoModel), NULL, 0, 0, NULL, 0, NULL, NULL, NULL) == 1,
         "shapes of a text are refused");
  expect(mace_engine_input_count(NULL) == 0 && mace_engine_output_count(NULL) == 0,
         "no engine has no inputs");
  expect(mace_engine_input(NULL, 0, &tensor) == 1, "inputs of no engine");
  expect(mace_engine_output(NULL, 0, &tensor) == 1, "outputs of no engine");
  expect(mace_engine_output_shapes(NULL, &tensor, 1, &tensor, 1) == 1, "shapes of no engine");
  expect(mace_engine_run(NULL, &tensor, 1, &tensor, 1, NULL, NULL) == 1, "a run of no engine");
  expect(mace_engine_memory(NULL, &memory) == 1, "memory of no engine");
  mace_engine_destroy(NULL);
  return failures == 0 ? 0 : 1;
}
