// SPDX-License-Identifier: Apache-2.0
package org.mace;

/** Element types of tensors. The codes are those of mace.h and of the file format. */
public enum DataType {
  FLOAT(1, 4),
  UINT8(2, 1),
  HALF(3, 2),
  INT32(4, 4),
  BFLOAT16(5, 2),
  INT8(6, 1),
  INT64(7, 8),
  BOOL(8, 1),
  DOUBLE(9, 8),
  INT16(10, 2),
  UINT16(11, 2),
  UINT32(12, 4),
  UINT64(13, 8);

  final int code;

  /** Bytes of one element. */
  public final int size;

  DataType(int code, int size) {
    this.code = code;
    this.size = size;
  }

  static DataType of(int code) {
    for (DataType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    throw new MaceException(MaceException.RUNTIME_ERROR, "there is no element type " + code);
  }
}
