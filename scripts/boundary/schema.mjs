// Reads boundary.json into the shape which the renderers use, and refuses what they could not
// express, naming the record and the field.

const TYPES = new Set(['u8', 'u16', 'u32', 'u64', 'str', 'bytes']);

/** snake_case or PascalCase to its words. */
function words(name) {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split('_');
}

export function snakeCase(name) {
  return words(name).join('_');
}

export function camelCase(name) {
  return words(name)
    .map((word, index) => (index === 0 ? word : word[0].toUpperCase() + word.slice(1)))
    .join('');
}

function loadField(record, [name, type, note = ''], enums) {
  const where = `${record}.${name}`;
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${where}: not snake_case`);
  if (!TYPES.has(type)) throw new Error(`${where}: no type ${type}`);
  // The structs of both sides have these already.
  if (name === 'kind' || name === 'shard') throw new Error(`${where}: the name is taken`);
  const match = /^enum (\w+)$/.exec(note);
  if (match && !(match[1] in enums)) throw new Error(`${where}: no enum ${match[1]}`);
  if (match && type !== 'u8') throw new Error(`${where}: an enum must be u8`);
  return { name, type, doc: match ? '' : note, enum: match ? match[1] : null };
}

/** The route's field must come first: the engine then finds it without decoding the record. */
function checkRoute(name, route, first) {
  const wanted = { user: ['user', 'str'], to: ['to', 'str'], handle: [null, 'u64'], all: null }[
    route
  ];
  if (wanted === undefined) throw new Error(`${name}: no route ${route}`);
  if (wanted === null) return;
  const [fieldName, type] = wanted;
  if (first.type !== type || (fieldName && first.name !== fieldName)) {
    throw new Error(`${name}: its first field must be the ${route} that decides its shard`);
  }
}

function loadRecords(group, enums) {
  return Object.entries(group).map(([name, { doc, route = null, fields }], index) => {
    if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) throw new Error(`${name}: not PascalCase`);
    const loaded = fields.map((field) => loadField(name, field, enums));
    if (route !== null) checkRoute(name, route, loaded[0]);
    return { name, doc, route, kind: index + 1, fields: loaded };
  });
}

/** The schema with kinds numbered from 1 in each group, and every field checked. */
export function loadSchema(json) {
  const enums = Object.entries(json.enums).map(([name, values]) => ({
    name,
    values: Object.entries(values).map(([value, number]) => ({ name: value, number })),
  }));
  for (const [name, command] of Object.entries(json.commands)) {
    if (!command.route) throw new Error(`${name}: a command needs a route`);
  }
  return {
    enums,
    config: loadRecords(json.config, json.enums),
    commands: loadRecords(json.commands, json.enums),
    events: loadRecords(json.events, json.enums),
  };
}

/** Breaks a sentence into comment lines that begin with `prefix` and keep to 100 columns. */
export function commentLines(prefix, text) {
  const lines = [];
  let line = prefix;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > 98) {
      lines.push(line);
      line = prefix;
    }
    line += ` ${word}`;
  }
  lines.push(line);
  return lines;
}
