// The WebSocket stage of a connection: HTTP until the upgrade, frames afterwards. Input and output
// pass it between the transport below and the form of the stream above.
#pragma once

#include "codec/http_upgrade.h"
#include "codec/websocket.h"

namespace rookery {

struct WebSocketStage {
  WebSocketDecoder frames{WebSocketOpcode::text};
  HttpHeadSplitter head;
  WebSocketClose close_code = WebSocketClose::normal;  ///< What our close frame is to say.
  bool upgraded = false;
  bool close_sent = false;
};
// Every WebSocket at rest holds one of these and nothing else of this stage.
static_assert(sizeof(WebSocketStage) <= 64);

}  // namespace rookery
