// What an operation is: one thing that an operator can ask of the server. The admin socket, the
// admin HTTP interface with its OpenAPI document, the command line and the dashboard are all made
// from these.

import type { z } from 'zod';
import type { OperationContext } from './context.js';
import type { Role } from './role.js';

/** How the command line shows an operation; what is left out is shown in a general way. */
export interface CommandLook<Input, Output> {
  /** Fields given by their place, in this order; the others are options. */
  readonly arguments?: readonly (keyof Input & string)[];
  /** Has a command that is written by hand, or none. */
  readonly handmade?: boolean;
  /** The answer in words. */
  print?(output: Output, input: Input): string;
}

/** What an operation says of itself, and does. */
export interface OperationSpec<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
> {
  /** One or two words: `status`, `mailbox show`. They are its command and its path. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly description?: string;
  /** The least role that may do it. */
  readonly role: Role;
  /** Whether it changes anything: then it is a POST, and is logged with its caller. */
  readonly changes: boolean;
  readonly input: Input;
  readonly output: Output;
  /** A question to be answered before it is done, because it cannot be taken back. */
  readonly confirm?: string;
  /** Works on the files of a server that does not run, too. */
  readonly offline?: boolean;
  /** How long it may take; 20 when left out. */
  readonly seconds?: number;
  readonly look?: CommandLook<z.output<Input>, z.output<Output>>;
  run(context: OperationContext, input: z.output<Input>): Promise<z.input<Output>>;
}

/** An operation with the types of its input and output. */
export interface Operation<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
> extends OperationSpec<Input, Output> {}

/** An operation in the registry: its types have been seen to fit. */
export interface AnyOperation extends Omit<OperationSpec, 'look' | 'run'> {
  readonly look?: {
    readonly arguments?: readonly string[];
    readonly handmade?: boolean;
    print?(output: unknown, input: unknown): string;
  };
  run(context: OperationContext, input: unknown): Promise<unknown>;
}

/** Checks the types of an operation. */
export function operation<Input extends z.ZodObject, Output extends z.ZodType>(
  spec: OperationSpec<Input, Output>,
): Operation<Input, Output> {
  return spec;
}

/** Its path on the admin interface: `/api/v1/mailbox/show`. */
export function operationPath({ name }: { readonly name: string }): string {
  return `/api/v1/${name.replaceAll(' ', '/')}`;
}
