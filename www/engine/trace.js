/** A network to look into: it keeps the output of every layer, and can be changed to see what that does. */
import { checkWhole } from "./checks.js";
import { Held, onPicture, statisticsOf } from "./handles.js";

export class Trace extends Held {
  /**
   * @param {import("./engine.js").Engine} engine
   * @param {number} handle
   * @param {import("./protocol.js").Loaded} loaded
   */
  constructor(engine, handle, { config, labels }) {
    super(engine, handle);
    this.config = config;
    this.labels = labels;
  }

  /**
   * Runs the network on a picture; the other methods then tell about it.
   *
   * @param {import("./decode.js").ImageSource | import("./handles.js").Picture} image
   * @param {{k?: number} & import("./protocol.js").Changes & import("./protocol.js").Framing} [options] `fit` and `box` as of `Classifier.classify`
   * @returns {Promise<{predictions: import("./protocol.js").Prediction[], crop: Uint8Array}>} `crop`: the network's input as R ×
   *   R RGBA bytes
   */
  async run(image, { k = 5, fit, box, ...changes } = {}) {
    checkWhole({ k, ...changes });
    const framing = { fit, box };
    return onPicture(this.engine, image, framing, (picture) =>
      this.engine.call("runTrace", { trace: this.handle, picture, k, framing, changes }),
    );
  }

  /**
   * The output of a layer after batch norm, activation and shortcut: `values`, one channel of `size` × `size` numbers after
   * another.
   *
   * @param {number} layer index in the layers of `describe`, without the classifier
   */
  async maps(layer) {
    checkWhole({ layer });
    return this.engine.call("maps", { trace: this.handle, layer });
  }

  /**
   * The filters of a layer, as trained, and what follows them: `clamp(scale · Σ filter · input + shift, low, high)`.
   *
   * @param {number} layer index in the layers of `describe`
   */
  async filters(layer) {
    checkWhole({ layer });
    return this.engine.call("filters", { trace: this.handle, layer });
  }

  /**
   * Of each layer but the classifier, the shares of its output that are 0 and 6, and in how many directions its pixels differ:
   * the effective rank of the channels' covariance.
   */
  async statistics() {
    return statisticsOf(await this.engine.call("statistics", { trace: this.handle }));
  }

  /**
   * How many of these pictures the changed network classifies as their labels say.
   *
   * @param {{images: Uint8Array, labels: Uint32Array}} pictures (N, S, S, 3) RGB bytes
   * @param {import("./protocol.js").Changes} [changes]
   */
  async correct({ images, labels }, changes = {}) {
    checkWhole({ ...changes });
    return this.engine.call("correct", { trace: this.handle, images, labels, changes });
  }

  /** @param {number} resolution 8 – 1024, on any weights */
  async setResolution(resolution) {
    checkWhole({ resolution });
    await this.engine.call("resize", { classifier: this.handle, resolution });
    this.config = { ...this.config, resolution };
  }
}
