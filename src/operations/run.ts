// Runs an operation for a caller: the role is checked, and what changes something is logged.

import type { OperationContext } from './context.js';
import type { AnyOperation, OperationSpec } from './operation.js';
import { Refusal } from './refusal.js';
import { roleAllows } from './role.js';

/** Refuses a caller whose role does not reach. */
export function requireRole(
  { caller }: OperationContext,
  operation: Pick<OperationSpec, 'name' | 'role'>,
): void {
  if (roleAllows(caller.role, operation.role)) return;
  throw new Refusal(
    `role-${operation.role}`,
    `${operation.name} is for the role ${operation.role}; ${caller.name} is ${caller.role}.`,
    { advice: 'Use a token of that role.', status: 403 },
  );
}

/** Runs it with input that its schema has let through. */
export async function runOperation(
  operation: AnyOperation,
  context: OperationContext,
  input: unknown,
): Promise<unknown> {
  requireRole(context, operation);
  if (!operation.changes || context.caller.via === 'files') {
    return await operation.run(context, input);
  }
  const { caller, server } = context;
  const fields = {
    component: 'admin',
    operation: operation.name,
    caller: caller.name,
    via: caller.via,
  };
  try {
    const output = await operation.run(context, input);
    server.log.info(fields, 'done');
    return output;
  } catch (error) {
    // Not in its words: they name users, who may be telephone numbers.
    const rule = error instanceof Refusal ? error.rule : 'state';
    server.log.warn({ ...fields, rule }, 'not done');
    throw error;
  }
}
