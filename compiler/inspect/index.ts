/** Inspection: what is known of a model, as data and as text. */
export {
  type InspectedLayer,
  type InspectedNeed,
  type InspectedTotals,
  type InspectedValue,
  type Inspection,
  inspect,
} from "./inspect.ts";
export { printTotals, renderInspection } from "./render.ts";
