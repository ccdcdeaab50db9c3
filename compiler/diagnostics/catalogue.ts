/*
 * Every error a user can meet, by code. This is a table: it may grow past the file budget.
 *
 * A code is a promise: it is searched for, written into scripts and linked to, so it is never reused for
 * something else and never renumbered. The title is the general case in a few words; the message of a
 * Diagnostic says the particular one. Ranges: E10xx use of the API or command line, E20xx building a graph,
 * E21xx shapes and binding, E22xx constraints left on the user's sizes, E23xx limits, E30xx text forms and
 * verifiers, E31xx model files, E40xx what cannot be lowered or emitted, E41xx what a model file asks for and is
 * not there. E50xx, with exit code 4, is for files that could do harm. The idea of a catalogue with stable codes is TypeScript's and
 * Rust's.
 */

/** What kind of failure it is; it decides the command line's exit code. */
export type Category = "check" | "usage" | "unsupported" | "unsafe" | "internal";

export interface Entry {
  readonly title: string;
  readonly category: Category;
}

export const exitCodes: Readonly<Record<Category, number>> = {
  check: 1,
  usage: 2,
  unsupported: 3,
  unsafe: 4,
  internal: 70,
};

export const catalogue = {
  E1001: { title: "unknown argument", category: "usage" },
  E1002: { title: "argument outside its range", category: "usage" },
  E1003: { title: "unknown command-line option", category: "usage" },
  E1004: { title: "file cannot be used", category: "usage" },

  E2001: { title: "cycle in the model", category: "check" },
  E2002: { title: "an output needs an input that is not among the model's", category: "check" },
  E2003: { title: "rank not accepted by the layer", category: "check" },
  E2004: { title: "unknown layer, activation or initialiser", category: "check" },
  E2005: { title: "two things of one name", category: "check" },

  E2101: { title: "parameter still deferred", category: "check" },
  E2102: { title: "input not sampled", category: "check" },
  E2103: { title: "merging incompatible shapes", category: "check" },
  E2104: { title: "sample or input conflicts with a bound dim", category: "check" },
  E2105: { title: "reshape cannot divide", category: "check" },
  E2106: { title: "kernel larger than its input", category: "check" },
  E2107: { title: "wrong dtype", category: "check" },
  E2108: { title: "size that is not a whole number", category: "check" },
  E2109: { title: "weights of the wrong shape", category: "check" },
  E2110: { title: "tied shapes contradict each other", category: "check" },
  E2111: { title: "rank mismatch", category: "check" },
  E2112: { title: "division by zero in a size", category: "check" },
  E2113: { title: "values that decide shapes are not given", category: "check" },

  E2201: { title: "size refused by a constraint of the model", category: "check" },

  E2301: { title: "parameter budget exceeded", category: "check" },
  E2302: { title: "size expression too large", category: "check" },
  E2303: { title: "a run needs more memory than there can be", category: "check" },

  E3001: { title: "text form cannot be read", category: "check" },
  E3002: { title: "graph breaks a rule of its form", category: "check" },

  E3101: { title: "model file is truncated or damaged", category: "check" },
  E3102: { title: "model file contradicts itself", category: "check" },
  E3103: { title: "node breaks the rules of its operator", category: "check" },
  E3104: { title: "shape that depends on elements nobody gave", category: "check" },

  E4001: { title: "cannot be lowered or emitted", category: "unsupported" },
  E4101: { title: "operator not supported", category: "unsupported" },
  E4102: { title: "element type not supported", category: "unsupported" },
  E4103: { title: "form of an operator not supported", category: "unsupported" },
  E4104: { title: "cannot be exported to ONNX", category: "unsupported" },

  E5001: { title: "file made to exhaust its reader", category: "unsafe" },
  E5002: { title: "data outside of the model file that may not be read", category: "unsafe" },
} as const satisfies Readonly<Record<string, Entry>>;

export type Code = keyof typeof catalogue;
