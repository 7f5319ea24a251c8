// SPDX-License-Identifier: Apache-2.0
package org.mace;

import java.io.File;

/**
 * What engines on one GPU share: the device, compiled programs, tuned parameters. Its settings count
 * for engines that are loaded afterwards; those keep what they need, so that it may be closed first.
 * Every method throws MaceException when it cannot do what is asked.
 */
public final class GpuContext implements AutoCloseable {
  static {
    System.loadLibrary("mace_jni");
  }

  private long context;

  /** Keeps nothing between starts. */
  public GpuContext() {
    this(null, null, null);
  }

  /**
   * storage: a folder that the application may write, for compiled programs; binaries, parameters:
   * files with programs compiled in advance and with tuned parameters. Each may be null.
   */
  public GpuContext(File storage, File binaries, File parameters) {
    context = create(path(storage), path(binaries), path(parameters));
  }

  /**
   * Kernels that take longer are launched in parts of about so many microseconds, and at most so
   * many launches wait for the GPU; 0: as the model says, negative: no limit.
   */
  public synchronized GpuContext limit(int kernelMicros, int queuedKernels) {
    limit(open(), kernelMicros, queuedKernels);
    return this;
  }

  /** The CPU answers until the programs are compiled. */
  public synchronized GpuContext compileInBackground(boolean background) {
    compileInBackground(open(), background);
    return this;
  }

  /** Engines find the fastest kernels, in their first run with new shapes: seconds to minutes. */
  public synchronized GpuContext tune() {
    tune(open());
    return this;
  }

  @Override
  public synchronized void close() {
    if (context != 0) {
      destroy(context);
    }
    context = 0;
  }

  // The caller holds this object's lock as long as it uses the result.
  long open() {
    if (context == 0) {
      throw new MaceException(MaceException.INVALID_ARGS, "the GPU context is closed");
    }
    return context;
  }

  static String path(File file) {
    return file == null ? null : file.getPath();
  }

  private static native long create(String storage, String binaries, String parameters);

  private static native void limit(long context, int kernelMicros, int queuedKernels);

  private static native void compileInBackground(long context, boolean background);

  private static native void tune(long context);

  private static native void destroy(long context);
}
