# SPDX-License-Identifier: Apache-2.0
"""A real OpenTelemetry Collector with its splunk_hec receiver in front, and acknowledgement if wished."""

from support.collector import Collector


class HecCollector(Collector):
    def __init__(self, home, ack):
        super().__init__(home)
        self.port = self.grpc_port
        self.has_port = False  # whether it is ready stands in its log
        extension = "ack: { extension: ack }" if ack else ""
        (self.home / "collector.yaml").write_text(f"""
receivers:
  splunk_hec: {{ endpoint: '127.0.0.1:{self.port}', {extension} }}
exporters:
  file: {{ path: '{self.out}', flush_interval: 100ms }}
extensions:
  ack: {{}}
service:
  telemetry: {{ metrics: {{ level: none }} }}
  extensions: [ ack ]
  pipelines:
    logs: {{ receivers: [ splunk_hec ], exporters: [ file ] }}
""")
