"""A slixmpp client that a test drives over its standard input: one JSON command a line in, one JSON
event a line out. Commands: subscribe, approve, send, roster, ask, password, cut, quit. Run with
the system's Python, which has slixmpp:

    /usr/bin/python3 slixmpp_client.py ADDRESS PASSWORD HOST PORT starttls|direct
"""

import asyncio
import json
import ssl
import sys

import slixmpp
from slixmpp.plugins.xep_0198.stanza import Resume


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def told(event):
    return lambda presence: tell(event, sender=presence["from"].bare)


class Client(slixmpp.ClientXMPP):
    def __init__(self, address, password):
        super().__init__(address, password)
        # The test approves by itself, and the server's certificate is its own.
        self.roster.auto_authorize = None
        self.roster.auto_subscribe = False
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        self.register_plugin("xep_0198")
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0203")
        for plugin in ("xep_0012", "xep_0030", "xep_0077", "xep_0092", "xep_0191", "xep_0280"):
            self.register_plugin(plugin)
        self.keep_unacknowledged()
        self.leaving = False
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("session_resumed", lambda _: tell("resumed"))
        self.add_event_handler("message", self.heard)
        self.add_event_handler("presence_subscribe", told("subscribe"))
        self.add_event_handler("presence_subscribed", told("subscribed"))
        self.add_event_handler("presence_available", told("available"))
        self.add_event_handler("failed_auth", lambda _: tell("failed"))
        self.add_event_handler("disconnected", self.gone)

    def keep_unacknowledged(self):
        # slixmpp 1.8 forgets what was not acknowledged when it asks to resume, so that it could
        # send nothing again. The list is put back before the answer can come.
        def keep(stanza):
            if isinstance(stanza, Resume):
                queue = self["xep_0198"].unacked_queue
                asyncio.get_event_loop().call_soon(queue.extend, list(queue))
            return stanza

        self.add_filter("out", keep)

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        tell("online", address=str(self.boundjid))

    def heard(self, message):
        if message["type"] in ("chat", "normal"):
            delayed = bool(message["delay"]["stamp"])
            tell("message", sender=message["from"].bare, body=message["body"], delayed=delayed)

    def gone(self, _):
        tell("disconnected")
        if self.leaving:
            asyncio.get_event_loop().stop()
        else:
            # A cut connection is taken up again, as a phone would.
            self.schedule("again", 0.2, self.connect_again)

    def connect_again(self):
        self.connect(self.where, use_ssl=self.direct, force_starttls=not self.direct)

    async def obey(self, command):
        what = command["do"]
        if what == "subscribe":
            self.send_presence(pto=command["to"], ptype="subscribe")
        elif what == "approve":
            self.send_presence(pto=command["to"], ptype="subscribed")
        elif what == "send":
            self.send_message(mto=command["to"], mbody=command["body"], mtype="chat")
        elif what == "roster":
            await self.get_roster()
            contacts = {
                jid: self.client_roster[jid]["subscription"]
                for jid in self.client_roster
                if jid != self.boundjid.bare
            }
            tell("roster", contacts=contacts)
        elif what == "password":
            await self["xep_0077"].change_password(command["password"], jid=self.boundjid.domain)
            tell("changed")
        elif what == "ask":
            await self.ask_server()
        elif what == "cut":
            self.transport.abort()
        elif what == "quit":
            self.leaving = True
            await self.disconnect(wait=1.0)


    async def ask_server(self):
        server = self.boundjid.domain
        await self["xep_0199"].ping(server)
        version = (await self["xep_0092"].get_version(server))["software_version"]["name"]
        seconds = (await self["xep_0012"].get_last_activity(server))["last_activity"]["seconds"]
        features = (await self["xep_0030"].get_info(server))["disco_info"]["features"]
        own = (await self["xep_0030"].get_info(self.boundjid.bare))["disco_info"]["identities"]
        items = (await self["xep_0030"].get_items(server))["disco_items"]["items"]
        await self["xep_0280"].enable()
        await self["xep_0191"].block("pest@example.org")
        blocked = (await self["xep_0191"].get_blocked())["blocklist"]["items"]
        await self["xep_0191"].unblock("pest@example.org")
        tell(
            "told",
            version=version,
            seconds=seconds,
            features=sorted(features),
            own=[list(identity[:2]) for identity in own],
            items=len(items),
            blocked=[str(jid) for jid in blocked],
        )


async def listen(client):
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_event_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        try:
            await client.obey(json.loads(line))
        except Exception as error:
            tell("error", text=repr(error))
    client.leaving = True
    client.disconnect(wait=0.5)


def main():
    address, password, host, port, security = sys.argv[1:6]
    client = Client(address, password)
    client.where = (host, int(port))
    # What slixmpp takes for a name that DNS knows, whatever port it was given.
    client.default_port = int(port)
    client.direct = security == "direct"
    client.connect_again()
    loop = asyncio.get_event_loop()
    # A task that nobody holds may be collected while it waits.
    client.listening = loop.create_task(listen(client))
    loop.run_forever()


main()
