// SPDX-License-Identifier: Apache-2.0
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.mace.Configuration;
import org.mace.DataType;
import org.mace.GpuContext;
import org.mace.MaceEngine;
import org.mace.MaceException;
import org.mace.Tensor;

/** The application in Java: the sum of what the model makes of ones, and what misuse gives. */
public final class Main {
  private static void refused(String what, Runnable call) {
    try {
      call.run();
      System.out.println(what + ": not refused");
    } catch (MaceException error) {
      System.out.println(what + ": " + error.code + " " + error.getMessage());
    }
  }

  private static MaceEngine load(File graph, File data, Configuration configuration) {
    try {
      return MaceEngine.load(graph, data, configuration);
    } catch (IOException error) {
      throw new IllegalStateException(error);
    }
  }

  /** The sum of the output with all settings of the GPU; its context is closed before the run. */
  private static double onGpu(File graph, File data, Tensor x, boolean fallback) {
    Configuration gpu = new Configuration();
    gpu.device = MaceEngine.GPU;
    gpu.threads = 1;
    gpu.memoryLimit = 1L << 40;
    gpu.storagePath = graph.getParentFile();
    gpu.gpuDataType = Configuration.FP32_FP32;
    gpu.gpuMemoryType = Configuration.BUFFER;
    gpu.gpuPerfHint = Configuration.HIGH;
    gpu.gpuPriorityHint = Configuration.LOW;
    gpu.cpuFallback = fallback;
    gpu.gpuContext = new GpuContext(graph.getParentFile(), null, null);
    gpu.gpuContext.limit(1000, 8).compileInBackground(false).tune();
    try (MaceEngine engine = load(graph, data, gpu)) {
      gpu.gpuContext.close();
      double sum = 0;
      for (float value : engine.run(x)[0].floats()) {
        sum += value;
      }
      return sum;
    }
  }

  public static void main(String[] arguments) throws Exception {
    File graph = new File(arguments[0]);
    File data = new File(arguments[1]);
    Tensor x = Tensor.zeros("x", DataType.FLOAT, 1, 8, 8, 3);
    for (int i = 0; i < 192; ++i) {
      x.data.putFloat(4 * i, 1f);
    }
    MaceEngine engine = MaceEngine.load(graph, data);
    Tensor input = engine.inputs()[0];
    System.out.println(input.name + " " + input.type + " " + input.shape.length);
    for (int round = 0; round < 20; ++round) {
      Tensor[] outputs = engine.run(x);
      double sum = 0;
      for (float value : outputs[0].floats()) {
        sum += value;
      }
      if (round == 19) {
        System.out.printf("%s %.3f%n", outputs[0].name, sum);
      }
    }
    System.out.printf("y %.3f%n", onGpu(graph, data, x, true));
    refused("no GPU", () -> onGpu(graph, data, x, false));
    refused("wrong name", () -> engine.run(Tensor.zeros("z", DataType.FLOAT, 1, 8, 8, 3)));
    refused("wrong type", () -> engine.run(Tensor.zeros("x", DataType.INT8, 1, 8, 8, 3)));
    refused("no input", () -> engine.run());
    refused("rank 7", () -> engine.run(Tensor.zeros("x", DataType.FLOAT, 1, 1, 1, 1, 1, 1, 1)));
    refused("huge", () -> Tensor.zeros("x", DataType.FLOAT, 1L << 40, 1L << 40));
    ByteBuffer junk = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder());
    refused("junk", () -> MaceEngine.load(junk, null, MaceEngine.CPU, 1, MaceEngine.AFFINITY_NONE));
    Configuration hint = new Configuration();
    hint.gpuPerfHint = 4;
    refused("hint", () -> load(graph, data, hint));
    Configuration key = new Configuration();
    key.modelKey = new byte[31];
    refused("key", () -> load(graph, data, key));
    Configuration limit = new Configuration();
    limit.memoryLimit = -1;
    refused("limit", () -> load(graph, data, limit));
    Configuration closed = new Configuration();
    closed.gpuContext = new GpuContext();
    closed.gpuContext.close();
    closed.gpuContext.close();
    refused("closed context", () -> load(graph, data, closed));
    engine.close();
    engine.close();
    refused("closed", () -> engine.run(x));
    System.out.println(MaceEngine.version().startsWith("MACEVER-"));
  }
}
