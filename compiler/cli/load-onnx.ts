/** An ONNX file and the data files beside it. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { externalLocations } from "../frontend/onnx/external-locations.ts";
import type { OnnxModel } from "../frontend/onnx/model.ts";
import { OnnxNetwork, type OnnxOptions } from "../frontend/onnx/onnx-network.ts";
import { readModel } from "../frontend/onnx/read-model.ts";
import type { ExternalData } from "../frontend/onnx/tensor.ts";
import { openExternalData } from "./external-data.ts";

export interface OnnxFile {
  readonly bytes: Uint8Array;
  readonly model: OnnxModel;
  readonly externalData: ExternalData;
}

/** Throws what reading throws, and E5002 for data files that may not be read. */
export function readOnnxFile(file: string): OnnxFile {
  const bytes = readFileSync(file);
  const model = readModel(bytes);
  return { bytes, model, externalData: openExternalData(externalLocations(model), dirname(file)) };
}

/** Throws what reading, checking and importing throw, and E5002 for data files that may not be read. */
export function loadOnnx(file: string, options: OnnxOptions): OnnxNetwork {
  const { model, externalData } = readOnnxFile(file);
  return new OnnxNetwork(model, { ...options, externalData });
}
