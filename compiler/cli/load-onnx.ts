/** An ONNX file and the data files beside it. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { externalLocations } from "../frontend/onnx/external-locations.ts";
import { OnnxNetwork, type OnnxOptions } from "../frontend/onnx/onnx-network.ts";
import { readModel } from "../frontend/onnx/read-model.ts";
import { readExternalData } from "./external-data.ts";

/** Throws what reading, checking and importing throw, and E5002 for data files that may not be read. */
export function loadOnnx(file: string, options: OnnxOptions): OnnxNetwork {
  const model = readModel(readFileSync(file));
  const externalData = readExternalData(externalLocations(model), dirname(file));
  return new OnnxNetwork(model, { ...options, externalData });
}
