/** Inspection: what is known of a model, as data and as text. */
export {
  type InspectedComputed,
  type InspectedLayer,
  type InspectedNeed,
  type InspectedNode,
  type InspectedTotals,
  type InspectedValue,
  type Inspection,
  type InspectOptions,
  inspect,
} from "./inspect.ts";
export { printTotals, renderInspection } from "./render.ts";
export { renderWhy } from "./render-why.ts";
export { type Why, type WhyStep, why } from "./why.ts";
