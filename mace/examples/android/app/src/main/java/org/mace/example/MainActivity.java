// SPDX-License-Identifier: Apache-2.0
package org.mace.example;

import android.app.Activity;
import android.content.Intent;
import android.graphics.Bitmap;
import android.os.Bundle;
import android.provider.MediaStore;
import android.widget.Button;
import android.widget.ImageView;
import android.widget.LinearLayout;
import android.widget.TextView;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.mace.MaceException;

/** Takes a picture with the camera and says what is on it. Its assets: model.pb, model.data and, if
 * there are names of classes, labels.txt. */
public final class MainActivity extends Activity {
  private static final int TAKE_PICTURE = 1;

  private ImageView picture;
  private TextView text;
  private Classifier classifier;

  @Override
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    LinearLayout layout = new LinearLayout(this);
    layout.setOrientation(LinearLayout.VERTICAL);
    Button button = new Button(this);
    button.setText("Take a picture");
    button.setOnClickListener(
        view -> startActivityForResult(
            new Intent(MediaStore.ACTION_IMAGE_CAPTURE), TAKE_PICTURE));
    picture = new ImageView(this);
    text = new TextView(this);
    layout.addView(button);
    layout.addView(picture);
    layout.addView(text);
    setContentView(layout);
    try {
      classifier = new Classifier(asset("model.pb"), asset("model.data"), labels());
    } catch (IOException | MaceException | IllegalArgumentException error) {
      text.setText(error.getMessage());
      button.setEnabled(false);
    }
  }

  @Override
  protected void onActivityResult(int request, int result, Intent data) {
    if (request != TAKE_PICTURE || result != RESULT_OK || data == null || classifier == null) {
      return;
    }
    Bitmap photo = (Bitmap) data.getExtras().get("data");
    int width = classifier.width;
    int height = classifier.height;
    Bitmap scaled = Bitmap.createScaledBitmap(photo, width, height, true);
    picture.setImageBitmap(scaled);
    int[] pixels = new int[width * height];
    scaled.getPixels(pixels, 0, width, 0, 0, width, height);
    // A network runs for many frames' time: not in the thread that draws.
    new Thread(() -> show(pixels)).start();
  }

  private void show(int[] pixels) {
    StringBuilder lines = new StringBuilder();
    try {
      for (Classifier.Result result : classifier.classify(pixels, 5)) {
        lines.append(String.format("%.3f  %s%n", result.score, result.label));
      }
    } catch (MaceException error) {
      lines.append(error.getMessage());
    }
    runOnUiThread(() -> text.setText(lines.toString()));
  }

  @Override
  protected void onDestroy() {
    super.onDestroy();
    if (classifier != null) {
      classifier.close();
    }
  }

  /** An asset as a file, which the engine maps. */
  private File asset(String name) throws IOException {
    File file = new File(getFilesDir(), name);
    try (InputStream from = getAssets().open(name);
        OutputStream to = new FileOutputStream(file)) {
      byte[] part = new byte[1 << 16];
      for (int size; (size = from.read(part)) > 0; ) {
        to.write(part, 0, size);
      }
    }
    return file;
  }

  private List<String> labels() {
    List<String> names = new ArrayList<>();
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(getAssets().open("labels.txt"), "UTF-8"))) {
      for (String line; (line = reader.readLine()) != null; ) {
        names.add(line);
      }
    } catch (IOException error) {
      return Collections.emptyList();
    }
    return names;
  }
}
