// The front door of http: URLs, the HTTP/1.1 codecs, the event-stream codec and TLS over memory. No I/O:
// bytes in, facts out.
#pragma once

#include "http/request.h"         // IWYU pragma: export
#include "http/request_parser.h"  // IWYU pragma: export
#include "http/response.h"        // IWYU pragma: export
#include "http/sse.h"             // IWYU pragma: export
#include "http/tls.h"             // IWYU pragma: export
#include "http/url.h"             // IWYU pragma: export
