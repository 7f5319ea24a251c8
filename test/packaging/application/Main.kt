// SPDX-License-Identifier: Apache-2.0
import java.io.File
import org.mace.DataType
import org.mace.MaceException
import org.mace.Tensor
import org.mace.invoke
import org.mace.toTensor
import org.mace.withModel

/** The application in Kotlin: the sum of what the model makes of ones, and what a wrong name gives. */
fun main(arguments: Array<String>) {
  withModel(File(arguments[0]), File(arguments[1]), threads = 1) { model ->
    val outputs = model(FloatArray(192) { 1f }.toTensor("x", 1, 8, 8, 3))
    val sum = outputs.getValue("y").floats().map { it.toDouble() }.sum()
    println("%.3f".format(sum))
    try {
      model(Tensor.zeros("z", DataType.FLOAT, 1, 8, 8, 3))
    } catch (error: MaceException) {
      println("${error.code} ${error.message}")
    }
  }
}
