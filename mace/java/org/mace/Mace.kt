// SPDX-License-Identifier: Apache-2.0
// What is shorter in Kotlin, on top of the classes in Java. Copy it into a project in Kotlin: the
// archive for Android has the classes alone, as it asks for no library of Kotlin's.
package org.mace

import java.io.File

/** A tensor of these elements, for an input of this name. */
fun FloatArray.toTensor(name: String, vararg shape: Long): Tensor = Tensor.of(name, this, *shape)

/** Runs once; the outputs by their names. */
operator fun MaceEngine.invoke(vararg inputs: Tensor): Map<String, Tensor> =
    run(*inputs).associateBy { it.name }

/** Loads a model for `block` and frees it after that. data: the .data file; threads: 0 for one for each fast core. */
inline fun <R> withModel(
    graph: File,
    data: File,
    device: Int = MaceEngine.CPU,
    threads: Int = 0,
    affinity: Int = MaceEngine.AFFINITY_BIG_ONLY,
    block: (MaceEngine) -> R
): R {
  val engine = MaceEngine.load(graph, data, device, threads, affinity)
  try {
    return block(engine)
  } finally {
    engine.close()
  }
}
