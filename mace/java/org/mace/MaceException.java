// SPDX-License-Identifier: Apache-2.0
package org.mace;

/** Something that the engine was asked for cannot be done; the message says what and why. */
public final class MaceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public static final int INVALID_ARGS = 1;
  public static final int OUT_OF_RESOURCES = 2;
  public static final int UNSUPPORTED = 3;
  public static final int RUNTIME_ERROR = 4;

  /** The code of MaceStatus in mace.h. */
  public final int code;

  public MaceException(int code, String message) {
    super(message);
    this.code = code;
  }
}
