"""Decodes the test vectors of the compact protocol: a third implementation of its encoding, written
from docs/PROTOCOL.md alone, with nothing but Python's standard library. Prints how many vectors it
has tried and exits with 1 when one of them is not decoded as it should be.
"""
import base64
import json
import pathlib
import re
import sys
import xml.parsers.expat

FOLDER = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'protocol'
DICTIONARY = json.loads((FOLDER / 'dictionary.json').read_text('utf-8'))
WORDS, NAMES, ATTRIBUTES = (DICTIONARY[key] for key in ('words', 'names', 'attributes'))
CLIENT = 'jabber:client'
XMLNS = 'http://www.w3.org/2000/xmlns/'
DIGITS = {0xD1: '0123456789-.+:TZ', 0xD2: '0123456789abcdef', 0xD3: '0123456789ABCDEF'}
URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
NAME = re.compile(r'[^\W\d][\w.\-·]*')
TEXT = re.compile('[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]*')


class Refused(Exception):
    pass


def refuse(reason):
    raise Refused(reason)


def entry(table, index):
    return table[index] if index < len(table) else refuse('bad-index')


class Decoder:
    def __init__(self, data, domain):
        self.data, self.domain, self.at = data, domain, 0

    def take(self, count):
        self.at += count if count <= len(self.data) - self.at else refuse('truncated')
        return self.data[self.at - count:self.at]

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        number = 0
        for place in range(5):
            byte = self.byte()
            number |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if (byte == 0 and place > 0) or number > 0xFFFFFFFF:
                    raise Refused('bad-varint')
                return number
        raise Refused('bad-varint')

    def utf8(self, count):
        try:
            text = self.take(count).decode('utf-8')
        except UnicodeDecodeError:
            raise Refused('bad-text') from None
        return text if TEXT.fullmatch(text) else refuse('bad-text')

    def packed(self, digits):
        count = self.varint()
        data = self.take((count + 1) // 2)
        if count % 2 and data[-1] & 15:
            raise Refused('bad-padding')
        return ''.join(digits[byte >> 4] + digits[byte & 15] for byte in data)[:count]

    def own_domain(self):
        return self.domain or refuse('bad-form')

    def value(self, inner=False):
        form = self.byte()
        if form < 0xA0:
            return WORDS[form]
        if form < 0xC0:
            return self.utf8(form - 0x9F)
        if form < 0xD0:
            return entry(WORDS, 160 + (form - 0xC0) * 256 + self.byte())
        if form == 0xD0:
            return self.utf8(self.varint())
        if form in DIGITS:
            return self.packed(DIGITS[form])
        if form == 0xD4:
            digits = self.take(16).hex()
            return '-'.join(digits[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
        if form == 0xD5:
            return base64.b64encode(self.take(self.varint())).decode('ascii')
        if form == 0xD8:
            return self.own_domain()
        if form == 0xDB:
            return str(self.varint())
        if form not in (0xD6, 0xD7, 0xD9, 0xDA) or inner:
            raise Refused('bad-form')
        address = self.value(True) + '@'
        address += self.own_domain() if form >= 0xD9 else self.value(True)
        return address + '/' + self.value(True) if form in (0xD7, 0xDA) else address

    def local_name(self):
        name = self.value()
        return name if NAME.fullmatch(name) else refuse('bad-name')

    def namespace(self):
        name = self.value()
        if not URI.fullmatch(name) or name == XMLNS:
            raise Refused('bad-namespace')
        return name

    def text(self):
        return self.value() or refuse('empty-content')

    def key(self):
        first = self.byte()
        if first >= 2:
            known = entry(ATTRIBUTES, first)
            return tuple(known) if isinstance(known, list) else ('', known)
        xmlns = (self.namespace() or refuse('bad-namespace')) if first == 1 else ''
        key = (xmlns, self.local_name())
        return refuse('bad-name') if key == ('', 'xmlns') else key

    def element(self, parent):
        first = self.byte()
        if first >= 0xF0:
            xmlns, name = entry(NAMES, 240 + (first - 0xF0) * 256 + self.byte())
        elif first >= 2:
            xmlns, name = NAMES[first]
        else:
            xmlns = self.namespace() if first == 1 else parent
            name = self.local_name()
        head = self.byte()
        attributes = {}
        for _ in range(self.varint() if head >> 2 == 63 else head >> 2):
            key = self.key()
            if key in attributes:
                raise Refused('duplicate-attribute')
            attributes[key] = self.value()
        return ((xmlns, name), attributes, self.content(head & 3, xmlns))

    def content(self, kind, xmlns):
        if kind < 2:
            return [self.text()] if kind == 1 else []
        nodes = []
        for _ in range(self.varint() or refuse('empty-content')):
            node = self.byte() if kind == 3 else 1
            if node > 1:
                raise Refused('bad-form')
            nodes.append(self.element(xmlns) if node else self.text())
        return nodes


def decode(data, domain):
    decoder = Decoder(data, domain)
    element = decoder.element(CLIENT)
    return element if decoder.at == len(data) else refuse('trailing-bytes')


def read_xml(text):
    """The same tree from XML as it stands in a stream."""
    parser = xml.parsers.expat.ParserCreate('UTF-8', '\n')
    parser.buffer_text = True
    stack = [(None, {}, [])]

    def expanded(name):
        return tuple(name.split('\n')) if '\n' in name else ('', name)

    def start(name, attributes):
        element = (expanded(name), {expanded(key): text for key, text in attributes.items()}, [])
        stack[-1][2].append(element)
        stack.append(element)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: stack.pop()
    parser.CharacterDataHandler = lambda data: stack[-1][2].append(data)
    stream = 'http://etherx.jabber.org/streams'
    parser.Parse(f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{stream}'>{text}</stream:stream>")
    return stack[0][2][0][2][0]


def main():
    vectors = json.loads((FOLDER / 'vectors.json').read_text('utf-8'))
    wrong = []
    for vector in vectors['elements']:
        if decode(bytes.fromhex(vector['hex']), vector['domain']) != read_xml(vector['xml']):
            wrong.append(vector['name'])
    for vector in vectors['invalid']:
        try:
            decode(bytes.fromhex(vector['hex']), vector['domain'])
            wrong.append(vector['name'] + ': taken')
        except Refused as refused:
            if str(refused) != vector['reason']:
                wrong.append(f"{vector['name']}: {refused} instead of {vector['reason']}")
    print(*wrong, sep='\n', file=sys.stderr)
    print(f"{len(vectors['elements'])} elements, {len(vectors['invalid'])} refused")
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
