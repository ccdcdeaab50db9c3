// The stack effect of the instructions whose types depend on the function around them. One rule per row that
// opcodes-scalar.ts writes with byRule; every other instruction has its effect in its row.

import type { OperandStack } from "./operand-stack.ts";
import { type BlockType, blockSignature, type Signature, type ValueType } from "./types.ts";

export interface Variable {
  readonly type: ValueType;
  readonly mutable: boolean;
}

/** What can be named in a function. Each method throws when there is no such index. */
export interface Scope {
  local(index: number): ValueType;
  global(index: number): Variable;
  func(index: number): Signature;
  fail(problem: string): never;
}

type Rule<Args extends unknown[]> = (stack: OperandStack, scope: Scope, ...args: Args) => void;

const branch = (stack: OperandStack, types: readonly ValueType[]) => {
  stack.popAll(types);
  stack.cut();
};

export const stackRules = {
  unreachable: (stack) => stack.cut(),
  block: (stack, _scope, type?: BlockType) => stack.open("block", blockSignature(type)),
  loop: (stack, _scope, type?: BlockType) => stack.open("loop", blockSignature(type)),
  if: (stack, _scope, type?: BlockType) => {
    stack.pop("i32");
    stack.open("if", blockSignature(type));
  },
  else: (stack) => stack.otherwise(),
  end: (stack) => stack.end(),
  br: (stack, _scope, depth: number) => branch(stack, stack.branchTypes(depth)),
  br_if: (stack, _scope, depth: number) => {
    stack.pop("i32");
    const types = stack.branchTypes(depth);
    stack.popAll(types);
    stack.push(types);
  },
  br_table: (stack, scope, depths: readonly number[], otherwise: number) => {
    stack.pop("i32");
    const types = stack.branchTypes(otherwise);
    for (const depth of depths) {
      const other = stack.branchTypes(depth);
      if (other.join() !== types.join()) scope.fail(`targets carry (${types}) and (${other})`);
    }
    branch(stack, types);
  },
  return: (stack) => branch(stack, stack.returnTypes()),
  call: (stack, scope, index: number) => {
    const { params, results } = scope.func(index);
    stack.popAll(params);
    stack.push(results);
  },
  drop: (stack) => void stack.pop(),
  select: (stack) => {
    stack.pop("i32");
    const first = stack.pop();
    stack.push([stack.pop(first)]);
  },
  "local.get": (stack, scope, index: number) => stack.push([scope.local(index)]),
  "local.set": (stack, scope, index: number) => void stack.pop(scope.local(index)),
  "local.tee": (stack, scope, index: number) => {
    stack.pop(scope.local(index));
    stack.push([scope.local(index)]);
  },
  "global.get": (stack, scope, index: number) => stack.push([scope.global(index).type]),
  "global.set": (stack, scope, index: number) => {
    const { type, mutable } = scope.global(index);
    if (!mutable) scope.fail(`writes global ${index}, which is immutable`);
    stack.pop(type);
  },
} as const satisfies Readonly<Record<string, Rule<never[]>>>;
