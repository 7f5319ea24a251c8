// SPDX-License-Identifier: Apache-2.0
package org.mace.example;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.mace.DataType;
import org.mace.MaceEngine;
import org.mace.Tensor;

/** Classifies pictures with a network such as MobileNet. Knows nothing of Android. */
public final class Classifier implements AutoCloseable {
  /** One class and how likely it is. */
  public static final class Result {
    public final String label;
    public final float score;

    Result(String label, float score) {
      this.label = label;
      this.score = score;
    }
  }

  private final MaceEngine engine;
  private final Tensor input;
  private final List<String> labels;

  /** Edges of the picture that classify() takes. */
  public final int width;

  public final int height;

  /** labels: names of the classes in the model's order; may be shorter than that. */
  public Classifier(File graph, File data, List<String> labels) throws IOException {
    engine = MaceEngine.load(graph, data);
    Tensor wanted = engine.inputs()[0];
    if (wanted.shape.length != 4 || wanted.shape[3] != 3 || wanted.type != DataType.FLOAT) {
      engine.close();
      throw new IllegalArgumentException("the model does not take a picture of 3 channels");
    }
    height = (int) wanted.shape[1];
    width = (int) wanted.shape[2];
    input = Tensor.zeros(wanted.name, DataType.FLOAT, 1, height, width, 3);
    this.labels = labels;
  }

  /** The likeliest classes, best first. pixels: width * height of them as 0xAARRGGBB, by rows. */
  public List<Result> classify(int[] pixels, int count) {
    if (pixels.length != width * height) {
      throw new IllegalArgumentException("the picture must have " + width + " x " + height);
    }
    input.data.rewind();
    for (int pixel : pixels) {
      // MobileNet's inputs go from -1 to 1.
      input.data.putFloat(((pixel >> 16) & 255) / 127.5f - 1);
      input.data.putFloat(((pixel >> 8) & 255) / 127.5f - 1);
      input.data.putFloat((pixel & 255) / 127.5f - 1);
    }
    float[] scores = engine.run(input)[0].floats();
    List<Result> best = new ArrayList<>();
    boolean[] taken = new boolean[scores.length];
    while (best.size() < Math.min(count, scores.length)) {
      int next = -1;
      for (int i = 0; i < scores.length; ++i) {
        if (!taken[i] && (next < 0 || scores[i] > scores[next])) {
          next = i;
        }
      }
      taken[next] = true;
      best.add(new Result(next < labels.size() ? labels.get(next) : "class " + next, scores[next]));
    }
    return best;
  }

  @Override
  public void close() {
    engine.close();
  }
}
