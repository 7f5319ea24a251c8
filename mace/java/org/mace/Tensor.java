// SPDX-License-Identifier: Apache-2.0
package org.mace;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A dense row-major tensor with its name. Its elements lie in a direct buffer of native order. */
public final class Tensor {
  public final String name;
  public final DataType type;

  /** Sizes of the dimensions; -1 in the description of an input that takes any size. */
  public final long[] shape;

  /** The elements; null in the description of an input or output. */
  public final ByteBuffer data;

  private Tensor(String name, DataType type, long[] shape, ByteBuffer data) {
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.data = data;
  }

  /** A tensor of zeros. Throws MaceException when it has no size or is too large for a buffer. */
  public static Tensor zeros(String name, DataType type, long... shape) {
    long bytes = type.size;
    for (long size : shape) {
      if (size < 0 || (size > 0 && bytes > Integer.MAX_VALUE / size)) {
        throw new MaceException(
            MaceException.INVALID_ARGS, "'" + name + "' has a shape that no buffer can hold");
      }
      bytes *= size;
    }
    ByteBuffer data = ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.nativeOrder());
    return new Tensor(name, type, shape.clone(), data);
  }

  /** A tensor of floats. */
  public static Tensor of(String name, float[] values, long... shape) {
    Tensor tensor = zeros(name, DataType.FLOAT, shape);
    if (tensor.data.capacity() != 4L * values.length) {
      throw new MaceException(
          MaceException.INVALID_ARGS,
          "'" + name + "' has " + values.length + " values, which its shape does not ask for");
    }
    tensor.data.asFloatBuffer().put(values);
    return tensor;
  }

  /** The elements as floats. Throws MaceException when they are of another type. */
  public float[] floats() {
    if (type != DataType.FLOAT || data == null) {
      throw new MaceException(MaceException.INVALID_ARGS, "'" + name + "' holds no floats");
    }
    float[] values = new float[data.capacity() / 4];
    data.duplicate().order(ByteOrder.nativeOrder()).asFloatBuffer().get(values);
    return values;
  }

  // Called by the native part.
  private static Tensor make(String name, int type, long[] shape, ByteBuffer data) {
    if (data != null) {
      data.order(ByteOrder.nativeOrder());
    }
    return new Tensor(name, DataType.of(type), shape, data);
  }
}
