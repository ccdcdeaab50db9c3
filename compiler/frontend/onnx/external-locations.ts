/** The files that a model's tensors lie in, wherever in the model they are. */
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxSparseTensor, OnnxTensor } from "./model.ts";

/** Each name once, in the order of the file. */
export function externalLocations(model: OnnxModel): readonly string[] {
  const nodes = model.functions.flatMap((body) => [...ofNodes(body.nodes), ...ofAttributes(body.defaults)]);
  const found = [...ofGraph(model.graph), ...nodes];
  return [...new Set(found.flatMap(({ external }) => external?.location ?? []))];
}

function ofGraph({ nodes, initializers, sparseInitializers }: OnnxGraph): readonly OnnxTensor[] {
  return [...initializers, ...sparseInitializers.flatMap(ofSparse), ...ofNodes(nodes)];
}

const ofNodes = (nodes: readonly OnnxNode[]) => nodes.flatMap(({ attributes }) => ofAttributes(attributes));
const ofSparse = ({ values, indices }: OnnxSparseTensor) => [values, indices];

function ofAttributes(attributes: readonly OnnxAttribute[]): readonly OnnxTensor[] {
  return attributes.flatMap((attribute): readonly OnnxTensor[] => {
    switch (attribute.kind) {
      case "tensor":
        return [attribute.value];
      case "tensors":
        return attribute.value;
      case "sparse tensor":
        return ofSparse(attribute.value);
      case "sparse tensors":
        return attribute.value.flatMap(ofSparse);
      case "graph":
        return ofGraph(attribute.value);
      case "graphs":
        return attribute.value.flatMap(ofGraph);
      default:
        return [];
    }
  });
}
