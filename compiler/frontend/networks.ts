/** The kinds of networks there are, for whoever is given something and wants to know. */
import { Model } from "./model.ts";
import type { Network } from "./network.ts";
import { OnnxNetwork } from "./onnx/onnx-network.ts";

export type { Network } from "./network.ts";

export function isNetwork(given: unknown): given is Network {
  return given instanceof Model || given instanceof OnnxNetwork;
}
