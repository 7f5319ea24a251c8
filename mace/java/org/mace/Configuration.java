// SPDX-License-Identifier: Apache-2.0
package org.mace;

import java.io.File;

/** How an engine is loaded; each field has a default. Fields of the GPU count for MaceEngine.GPU. */
public final class Configuration {
  /** How a GPU stores tensors and computes: values of GPUDataType in mace.h. 0: as the model says. */
  public static final int FP32_FP32 = 1;

  public static final int FP16_FP32 = 2;
  public static final int FP16_FP16 = 3;

  /** Memory of a GPU's tensors: values of GPUMemoryType in mace.h. 0: as the model says. */
  public static final int BUFFER = 1;

  public static final int IMAGE = 2;

  /** Hints for the GPU's driver: values of GPUPerfHint and GPUPriorityHint. 0: its own choice. */
  public static final int LOW = 1;

  public static final int NORMAL = 2;
  public static final int HIGH = 3;

  /** MaceEngine.CPU or MaceEngine.GPU. */
  public int device = MaceEngine.CPU;

  /** Threads of the CPU; 0 for one for each core of the policy. */
  public int threads = 0;

  public int affinity = MaceEngine.AFFINITY_BIG_ONLY;

  /** Bytes for activations; 0: no limit. */
  public long memoryLimit = 0;

  /** A folder for packed weights of the CPU, for a faster next start; null: nothing is kept. */
  public File storagePath = null;

  /** The 32 bytes of an encrypted model's key, or null. */
  public byte[] modelKey = null;

  /** What this engine shares with others on the GPU; null: a context of its own. */
  public GpuContext gpuContext = null;

  public int gpuDataType = 0;
  public int gpuMemoryType = 0;
  public int gpuPerfHint = 0;
  public int gpuPriorityHint = 0;

  /** Whether the CPU executes a model that the device cannot; else such a call throws. */
  public boolean cpuFallback = false;
}
