// SPDX-License-Identifier: Apache-2.0
package org.mace;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;

/**
 * A converted model that is ready to run. May be used from several threads; runs take turns. Close
 * it to free its memory. Every method throws MaceException when it cannot do what is asked.
 */
public final class MaceEngine implements AutoCloseable {
  static {
    System.loadLibrary("mace_jni");
  }

  /** Values of CPUAffinityPolicy in mace.h. */
  public static final int AFFINITY_NONE = 0;
  public static final int AFFINITY_BIG_ONLY = 1;
  public static final int AFFINITY_LITTLE_ONLY = 2;
  public static final int AFFINITY_HIGH_PERFORMANCE = 3;
  public static final int AFFINITY_POWER_SAVE = 4;

  /** Values of DeviceType in mace.h. */
  public static final int CPU = 0;
  public static final int GPU = 2;

  private long engine;

  // The engine reads constants there as long as it lives.
  private final ByteBuffer data;

  private MaceEngine(long engine, ByteBuffer data) {
    this.engine = engine;
    this.data = data;
  }

  /** An engine on the CPU with a thread for each fast core. data: the .data file. */
  public static MaceEngine load(File graph, File data) throws IOException {
    return load(graph, data, CPU, 0, AFFINITY_BIG_ONLY);
  }

  /** threads: 0 for one for each core of the policy. */
  public static MaceEngine load(File graph, File data, int device, int threads, int affinity)
      throws IOException {
    return load(graph, data, configuration(device, threads, affinity));
  }

  /** data: the .data file; null for a model without constants. */
  public static MaceEngine load(File graph, File data, Configuration configuration)
      throws IOException {
    return new MaceEngine(create(read(graph), null, data, configuration), null);
  }

  /**
   * An engine from memory: direct buffers with the content of the two files. That of `data` must
   * begin at a multiple of 64 bytes, as a mapped asset's does when it is stored so.
   */
  public static MaceEngine load(
      ByteBuffer graph, ByteBuffer data, int device, int threads, int affinity) {
    return load(graph, data, configuration(device, threads, affinity));
  }

  /** The same with all settings. */
  public static MaceEngine load(ByteBuffer graph, ByteBuffer data, Configuration configuration) {
    return new MaceEngine(create(graph, data, null, configuration), data);
  }

  /** What the model wants: names, types and shapes without data. */
  public synchronized Tensor[] inputs() {
    return describe(open(), true);
  }

  /** What the model gives. */
  public synchronized Tensor[] outputs() {
    return describe(open(), false);
  }

  /** Runs once; the outputs are in the model's order. */
  public synchronized Tensor[] run(Tensor... inputs) {
    for (Tensor input : inputs) {
      if (input.data == null || !input.data.isDirect()) {
        throw new MaceException(
            MaceException.INVALID_ARGS, "the input '" + input.name + "' has no data");
      }
    }
    return run(open(), inputs);
  }

  /** Frees the engine. */
  @Override
  public synchronized void close() {
    if (engine != 0) {
      destroy(engine);
    }
    engine = 0;
  }

  /** "MACEVER-<git describe>". */
  public static native String version();

  private long open() {
    if (engine == 0) {
      throw new MaceException(MaceException.INVALID_ARGS, "the engine is closed");
    }
    return engine;
  }

  private static ByteBuffer read(File file) throws IOException {
    try (RandomAccessFile stream = new RandomAccessFile(file, "r")) {
      ByteBuffer content = ByteBuffer.allocateDirect((int) Math.min(stream.length(), 1 << 30));
      while (content.hasRemaining() && stream.getChannel().read(content) >= 0) {}
      content.flip();
      return content;
    }
  }

  private static Configuration configuration(int device, int threads, int affinity) {
    Configuration made = new Configuration();
    made.device = device;
    made.threads = threads;
    made.affinity = affinity;
    return made;
  }

  private static long create(
      ByteBuffer graph, ByteBuffer data, File file, Configuration configuration) {
    Configuration c = configuration;
    int[] numbers = {
      c.device,
      c.threads,
      c.affinity,
      c.gpuPerfHint,
      c.gpuPriorityHint,
      c.gpuDataType,
      c.gpuMemoryType,
      c.cpuFallback ? 1 : 0
    };
    String path = GpuContext.path(file);
    String storage = GpuContext.path(c.storagePath);
    if (c.gpuContext == null) {
      return create(graph, data, path, numbers, c.memoryLimit, storage, c.modelKey, 0);
    }
    synchronized (c.gpuContext) {
      long context = c.gpuContext.open();
      return create(graph, data, path, numbers, c.memoryLimit, storage, c.modelKey, context);
    }
  }

  private static native long create(
      ByteBuffer graph,
      ByteBuffer data,
      String path,
      int[] numbers,
      long memoryLimit,
      String storage,
      byte[] key,
      long context);

  private static native void destroy(long engine);

  private static native Tensor[] describe(long engine, boolean inputs);

  private static native Tensor[] run(long engine, Tensor[] inputs);
}
