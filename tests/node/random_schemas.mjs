// Random JSON schemas of the subset that constrained JSON honours.

// Mulberry32: numbers in [0, 1) from a seed.
export function makeRandom(seed) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const names = ['name', '이름', 'age', '나이', 'city', '도시', 'tags', 'a"b', 'x\\y', 'id', '', 'long_property_name', '값/단위', 'é']
const patterns = ['^[가-힣]{2,4}$', '^[a-z]+$', '^\\d{3}-\\d{4}$', 'b', '^(서울|부산|대구)시?$', '^[^"\\\\]*$', '^(ab)*$', '\\s',
  '^[A-Z][a-z]{1,6}( [A-Z][a-z]+)?$', '^.{3}$', '^\\p{Script=Hangul}+$', '[\\u{1F600}-\\u{1F64F}]', '^\\w+@\\w+\\.kr$', 'x|y$', '^$|^z']
const formats = ['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid', 'uri']
const values = [null, true, false, 0, -1, 1.5, 'a', '한국', 'say "hi"\n', [1, 'x'], { k: 1 }, [], {}, '', 'tab\t']

export function makeSchema(random, depth = 3) {
  const below = n => Math.floor(random() * n)
  const pick = list => list[below(list.length)]
  const some = (list, most) => [...new Set(Array.from({ length: below(most + 1) }, () => pick(list)))]
  const chance = p => random() < p

  function number() {
    const schema = { type: chance(0.6) ? 'integer' : 'number' }
    const low = below(2000) - 1000
    if (chance(0.4)) schema[pick(['minimum', 'exclusiveMinimum'])] = chance(0.3) && schema.type === 'number' ? low / 8 : low
    if (chance(0.4)) schema[pick(['maximum', 'exclusiveMaximum'])] = low + 2 + below(500)
    if (chance(0.2)) schema.multipleOf = 1 + below(12)
    if (schema.multipleOf && chance(0.7)) for (const key of Object.keys(schema)) if (/imum$/i.test(key)) delete schema[key]
    return schema
  }
  function string() {
    const schema = { type: 'string' }
    const kind = below(5)
    if (kind === 0) schema.pattern = pick(patterns)
    if (kind === 1) schema.format = pick(formats)
    if (kind === 2) schema.minLength = below(6)
    if (kind === 3) schema.maxLength = 2 + below(12)
    if (kind === 2 && chance(0.5)) schema.maxLength = schema.minLength + below(4)
    if (kind === 0 && chance(0.2)) schema.maxLength = 9
    return schema
  }
  function object(level) {
    const schema = { type: 'object', properties: {} }
    const listed = some(names, 5)
    for (const name of listed) schema.properties[name] = any(level - 1)
    schema.required = listed.filter(() => chance(0.6))
    const more = below(4)
    if (more <= 1) schema.additionalProperties = false
    if (more === 2) schema.additionalProperties = any(Math.min(level - 1, 1))
    if (chance(0.15)) schema.patternProperties = { [pick(['^n_', 'e$', '^[가-힣]+$'])]: { type: pick(['integer', 'string']) } }
    if (schema.patternProperties) schema.properties = {}, schema.required = []
    if (chance(0.15)) schema.maxProperties = schema.required.length + below(3)
    if (chance(0.15) && listed.length > 0) schema.minProperties = 1 + below(Object.keys(schema.properties).length || 1)
    if (schema.minProperties > (schema.maxProperties ?? 99)) delete schema.maxProperties
    return schema
  }
  function array(level) {
    const schema = { type: 'array' }
    if (chance(0.8)) schema.items = any(level - 1)
    if (chance(0.2)) schema.prefixItems = [any(level - 1), any(0)]
    if (chance(0.4)) schema.minItems = below(4)
    if (chance(0.5)) schema.maxItems = (schema.minItems ?? 0) + below(4)
    return schema
  }
  function any(level) {
    const kind = below(level <= 0 ? 6 : 12)
    if (kind <= 1) return string()
    if (kind === 2) return number()
    if (kind === 3) return { type: pick(['boolean', 'null']) }
    if (kind === 4) return chance(0.5) ? { enum: [...some(values, 4), pick(values)].filter((v, i, all) => all.indexOf(v) === i) } : { const: pick(values) }
    if (kind === 5) return { type: [...new Set([pick(['string', 'integer']), pick(['null', 'boolean'])])] }
    if (kind <= 7) return array(level)
    if (kind <= 9) return object(level)
    if (kind === 10) return { anyOf: [any(level - 1), any(level - 1)] }
    const tagged = ['가', '나'].map(tag => ({ type: 'object', properties: { kind: { const: tag }, value: any(level - 2) }, required: ['kind', 'value'], additionalProperties: false }))
    return chance(0.5) ? { oneOf: tagged } : { allOf: [object(level - 1), { type: 'object', properties: { both: { type: 'integer' } } }] }
  }
  const root = chance(0.7) ? object(depth) : any(depth)
  if (chance(0.15)) {
    return { $defs: { part: { type: 'object', properties: { value: any(1), next: { anyOf: [{ $ref: '#/$defs/part' }, { type: 'null' }] } }, required: ['value', 'next'] } },
      type: 'object', properties: { list: { $ref: '#/$defs/part' }, rest: root }, required: ['list'], additionalProperties: false }
  }
  return root
}
