// Who may do what.

/** From the least to the most that a caller may do; each may do what stands before it. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Whether a caller of role `has` may do what is for `wanted`. */
export function roleAllows(has: Role, wanted: Role): boolean {
  return ROLES.indexOf(has) >= ROLES.indexOf(wanted);
}
