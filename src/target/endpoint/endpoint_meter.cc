// Measuring the client's own work; see endpoint_meter.h.
#include "target/endpoint/endpoint_meter.h"

#include <fmt/format.h>

#include "os/os.h"

namespace assay {
namespace {

Record record_of(std::string metric, std::string unit, double value, int64_t n, std::string method) {
  Record record;
  record.metric = std::move(metric);
  record.unit = std::move(unit);
  record.value = value;
  record.n = n;
  record.method = std::move(method);
  return record;
}

// The percentiles that the values support, and the maximum, in milliseconds.
void add_distribution(const std::string& metric, const Histogram& histogram, double per_ms,
                      const std::string& method, std::vector<Record>& records) {
  if (histogram.count() == 0) return;
  for (const auto& [p, name] : {std::pair{0.5, "p50"}, {0.99, "p99"}, {0.999, "p99_9"}}) {
    if (histogram.count() < samples_needed(p)) continue;
    records.push_back(record_of(fmt::format("{}_{}", metric, name), "ms",
                                static_cast<double>(*histogram.quantile(p)) / per_ms, histogram.count(),
                                method));
  }
  records.push_back(record_of(metric + "_max", "ms", static_cast<double>(histogram.max()) / per_ms,
                              histogram.count(), method));
}

}  // namespace

void EndpointMeter::note_read(Nanos now, Nanos arrived, Nanos previous, size_t chunks, bool is_stamped) {
  if (is_stamped) receive_lag_ns_.add((now - arrived).count);
  chunks_ += chunks;
  for (size_t i = 1; i < chunks; ++i) coalesced_ns_.add((arrived - previous).count);
}

void EndpointMeter::note_closing(int fd) {
  const std::optional<TcpFacts> facts = tcp_facts(fd);
  if (!facts) return;
  ++connections_;
  retransmits_ += facts->retransmits;
  if (facts->round_trip_us > 0) round_trip_us_.add(facts->round_trip_us);
}

std::vector<Record> EndpointMeter::records() const {
  std::vector<Record> records;
  const std::string buckets = "histogram, at most 1/32 too large";
  add_distribution("receive_lag_ms", receive_lag_ns_, 1e6,
                   "time of the read less the kernel's stamp; " + buckets, records);
  if (chunks_ > 0) {
    records.push_back(record_of(
        "coalesced_share", "", static_cast<double>(coalesced_ns_.count()) / static_cast<double>(chunks_),
        static_cast<int64_t>(chunks_), "chunks read together with a later one, over all"));
  }
  add_distribution("coalesced_interval_ms", coalesced_ns_, 1e6,
                   "from the read before to the stamp of the last chunk in the read; " + buckets, records);
  add_distribution("connect_ms", connect_ns_, 1e6, "TCP and, with TLS, its handshake; " + buckets, records);
  add_distribution("round_trip_ms", round_trip_us_, 1e3,
                   "the least that TCP saw on each connection (TCP_INFO); " + buckets, records);
  if (connections_ > 0) {
    records.push_back(record_of("tcp_retransmits", "", static_cast<double>(retransmits_), connections_,
                                "segments that this side sent again, over all connections (TCP_INFO)"));
  }
  return records;
}

}  // namespace assay
