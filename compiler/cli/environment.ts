/** Every environment switch of shapecast, read here and nowhere else. */

export interface Environment {
  /** SHAPECAST_PRINT_AFTER: a pass whose result is printed, or "all"; `--print-after` wins. */
  readonly printAfter: string | undefined;
  /** SHAPECAST_DEBUG: show the stack of an internal error. */
  readonly debug: boolean;
  /** NO_COLOR: no colours even on a terminal (https://no-color.org). */
  readonly noColor: boolean;
}

export function readEnvironment(): Environment {
  const { SHAPECAST_PRINT_AFTER, SHAPECAST_DEBUG, NO_COLOR } = process.env;
  return {
    printAfter: SHAPECAST_PRINT_AFTER || undefined,
    debug: isOn(SHAPECAST_DEBUG),
    noColor: NO_COLOR !== undefined && NO_COLOR !== "",
  };
}

const isOn = (value: string | undefined): boolean => value !== undefined && value !== "" && value !== "0";
