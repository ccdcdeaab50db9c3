/**
 * The engine for people: symbols declared, constraints asserted and questions asked in the text form, what
 * cannot hold thrown as a CompileError that names all that contradicts itself. It is what `shapecast/dims` is
 * for; the compiler itself speaks to the Store.
 */
import { CompileError, type Diagnostic, fail } from "../diagnostics/index.ts";
import { Constraint, type Relation } from "./constraint.ts";
import { decide, type Verdict } from "./decide.ts";
import { constant, type Dim, kindOf, symbol } from "./dim.ts";
import { floorDiv, mod, sub } from "./expression.ts";
import { refuse } from "./integer.ts";
import type { Conflict, Declaration, Residual } from "./knowledge.ts";
import { solveFor } from "./solving.ts";
import { Store } from "./store.ts";
import { dim, parseConstraint } from "./text.ts";

/** A dim, a number, or the text form: "2*h + 1", "floor(h/2)". */
export type Expression = Dim | number | bigint | string;

/** What is known of one symbol. */
export interface Known {
  readonly name: string;
  /** rigid: stays symbolic; flex ("?n"): to be determined; free ("!n"): known at run time only. */
  readonly kind: "rigid" | "flex" | "free";
  /** "H % 16 == 0 and H >= 16" */
  readonly domain: string;
  /** What it was found to be. */
  readonly value: Dim | undefined;
  readonly because: readonly string[];
}

/** One thing said, of whom, and its place among the others: declarations first, then by text. */
interface Statement {
  readonly names: readonly string[];
  readonly key: string;
  readonly tell: (store: Store) => Conflict | undefined;
}

/**
 * What is said is checked as it comes, and settled anew, in an order of its own, when something is asked:
 * whoever says the same things in another order gets the same answers in the same words.
 */
export class Assumptions {
  readonly #statements: Statement[] = [];
  readonly #byName = new Map<string, Statement[]>();
  /** Told in the order of speaking; nothing after a refusal. */
  #heard: Store | undefined = new Store();
  /** Told in an order of its own, once as many statements were told for single questions. */
  #settled: Store | undefined;
  #retold = 0;

  /**
   * Bounds of a symbol. "?n" is flex, "!n" free, any other name rigid; unless declared a symbol is at least
   * 1 (a free one at least 0).
   * @throws CompileError E1002 for bounds that are not whole numbers, E2201 where no size is left
   */
  declare(name: string, bounds: Declaration = {}): this {
    const said = Object.entries(bounds ?? {}).map(([key, value]) => `"${key}":${value}`);
    const clause = `${name} declared {${said.join(",")}}`;
    const tell = (store: Store) => store.declare(name, bounds, { subject: name, clause });
    return this.#add({ names: [name], key: ` ${clause}`, tell });
  }

  /** "h % 32 == 0", "1 <= b <= 64", "n == 2*?k". @throws CompileError E3001, E2201 with what contradicts */
  assert(text: string, subject = "assertion"): this {
    const constraint = parseConstraint(text);
    const tell = (store: Store) => store.require(constraint, { subject, clause: text });
    return this.#add({ names: constraint.symbols(), key: `${constraint}`, tell });
  }

  /** Whether a `relation` b holds under all that was declared and asserted. */
  decide(a: Expression, relation: Relation, b: Expression): Verdict {
    const [left, right] = [dim(a), dim(b)];
    return decide(relation, left, right, this.#about([...left.symbols, ...right.symbols]));
  }

  /** a with everything known applied. */
  resolve(a: Expression): Dim {
    const d = dim(a);
    return this.#about(d.symbols).resolve(d);
  }

  /**
   * a == b solved for a symbol in which it is linear: its value, and what that needs ("N % B == 0").
   * @throws CompileError E2201 where there is no solution, or none in closed form
   */
  solve(a: Expression, b: Expression, name: string): { readonly value: Dim; readonly needs?: Constraint } {
    const zero = this.resolve(sub(dim(a), dim(b)));
    const found = solveFor(zero, name);
    if (!found) return refuse("E2201", `${zero} == 0 is not linear in ${name}`, "solve for another symbol");
    const { numerator, denominator } = found;
    if (this.decide(denominator, ">=", 1).kind !== "always")
      refuse("E2112", `${denominator} may be 0`, `assert ${denominator} >= 1`);
    const rest = mod(numerator, denominator);
    const verdict = this.decide(rest, "==", 0);
    if (verdict.kind === "never")
      refuse("E2201", `no ${name} makes ${dim(a)} == ${dim(b)}`, "change one side");
    const value = this.resolve(floorDiv(numerator, denominator));
    if (verdict.kind === "always") return { value };
    const open = new Constraint([{ kind: "relation", relation: "==", left: rest, right: constant(0) }]);
    return { value, needs: verdict.kind === "iff" ? verdict.constraint : open };
  }

  /** What is required beyond what was declared, each with the assertions that require it. */
  residuals(): readonly Residual[] {
    return this.#store.residuals();
  }

  /** Every symbol that was spoken of, by name. */
  symbols(): readonly Known[] {
    return [...this.#byName.keys()].sort().map((name) => {
      const clause = { kind: "domain", symbol: name, ...this.#store.domainOf(name) } as const;
      const because = this.#store.whyOf(name).map((origin) => origin.clause);
      const value = this.#store.valueOf(name);
      return { name, kind: kindOf(name), domain: `${new Constraint([clause])}`, value, because };
    });
  }

  /** @throws CompileError E2101 for every flex symbol that nothing determines */
  complete(): this {
    const open = this.#store.undetermined();
    const problems = open.map(({ symbol, origins }): Diagnostic => {
      const others = open.map((one) => one.symbol).filter((name) => name !== symbol);
      const because = origins.map(({ clause }) => clause).join("\n");
      const fix = `give ${[symbol, ...others].join(" or ")} a value`;
      return { code: "E2101", message: `${symbol} is underdetermined`, because, fix };
    });
    if (problems.length > 0) throw new CompileError(problems);
    return this;
  }

  /** One line for each symbol and each relation that is left, with why. */
  toString(): string {
    const why = (list: readonly string[]) => (list.length > 0 ? `   (${list.join("; ")})` : "");
    const symbols = this.symbols().map(({ name, domain, value, because }) =>
      value && value !== symbol(name) ? `${name} == ${value}${why(because)}` : `${domain}${why(because)}`,
    );
    const isRelation = ({ constraint }: Residual) => constraint.clauses.some((c) => c.kind === "relation");
    const relations = this.residuals().filter(isRelation);
    const clauses = (r: Residual) => r.origins.map(({ clause }) => clause);
    return [...symbols, ...relations.map((r) => `${r.constraint}${why(clauses(r))}`)].join("\n");
  }

  get #store(): Store {
    this.#settled ??= told(this.#statements);
    return this.#settled;
  }

  /** A store that knows what bears on these names. */
  #about(names: readonly string[]): Store {
    const list = this.#settled ? [] : this.#connected(names);
    this.#retold += list.length + 1;
    return this.#settled || this.#retold > this.#statements.length ? this.#store : told(list);
  }

  /** What was said of these names, and of those spoken of together with them. */
  #connected(names: readonly string[]): readonly Statement[] {
    const found = new Set<Statement>();
    const seen = new Set(names);
    for (const name of seen)
      for (const x of this.#byName.get(name) ?? []) {
        if (!found.has(x)) for (const other of x.names) seen.add(other);
        found.add(x);
      }
    return [...found];
  }

  #add(statement: Statement): this {
    const { names } = statement;
    const heard = this.#heard ?? told(this.#statements);
    this.#heard = undefined;
    // Told in the order of its own, the contradiction has the same words whatever came first.
    const conflict = statement.tell(heard);
    if (conflict) return told([...this.#connected(names), statement]) && refuseAll(conflict);
    this.#heard = heard;
    for (const name of names) {
      const list = this.#byName.get(name) ?? [];
      list.push(statement);
      this.#byName.set(name, list);
    }
    this.#statements.push(statement);
    this.#settled = undefined;
    this.#retold = 0;
    return this;
  }
}

/** @throws CompileError E2201 where the statements contradict each other */
function told(statements: readonly Statement[]): Store {
  const store = new Store();
  for (const { tell } of [...statements].sort((x, y) => (x.key < y.key ? -1 : Number(x.key > y.key)))) {
    const conflict = tell(store);
    if (conflict) refuseAll(conflict);
  }
  return store;
}

function refuseAll({ core, left, right, relation, suggestion }: Conflict): never {
  // One assertion may state several of the things that contradict each other.
  const stated = core.filter((x, i) => core.findIndex((y) => y.clause === x.clause) === i);
  const clauses = stated.map(({ clause }) => clause);
  return fail({
    code: "E2201",
    message: clauses.length > 1 ? `${clauses.join(" contradicts ")}` : `${clauses[0]} cannot hold`,
    facts: stated.map(({ subject, clause }) => ({ subject, value: clause })),
    because: /^[=!<>]/.test(relation)
      ? `${left} ${relation} ${right} is impossible`
      : `${relation} is needed`,
    fix: suggestion ?? "drop or change one of them",
  });
}
