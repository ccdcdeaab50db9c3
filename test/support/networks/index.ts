/** Six networks of the literature, written with the layers API and without any size. */
import type { Model } from "shapecast";
import { codec } from "./codec.ts";
import { gptBlock } from "./gpt.ts";
import { resnet50 } from "./resnet50.ts";
import { swin } from "./swin.ts";
import { unet } from "./unet.ts";
import { vit } from "./vit.ts";

export const networks: Readonly<Record<string, () => Model<unknown>>> = {
  "ResNet-50": () => resnet50(),
  "U-Net": () => unet(),
  "ViT-B/16": () => vit(),
  "Swin-T": () => swin(),
  "GPT block with a cache": () => gptBlock(),
  "convolutional codec": () => codec(),
};
