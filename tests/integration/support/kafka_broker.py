# SPDX-License-Identifier: Apache-2.0
"""A real Apache Kafka broker in KRaft mode, alone in its cluster, and a consumer of its topics.

It listens in plain text, and when there is an authority to sign its certificate with TLS: with
SCRAM-SHA-512 for the user `telltale`, or for who has a certificate of that authority.  TELLTALE_KAFKA names what tests/interop/fetch-kafka has fetched.
"""

import collections
import os
import pathlib
import signal
import subprocess

from support.daemon import quiet_port, wait_until

KAFKA = os.environ.get("TELLTALE_KAFKA")
START_TIMEOUT_S = 120
PASSWORD = "correct horse battery staple"
PARTITIONS = 4

Message = collections.namedtuple("Message", "partition offset key headers value")


class KafkaBroker:
    def __init__(self, home, authority=None, cert_days=2, asks_for_cert=False, **settings):
        """`settings`: more lines of its configuration, dots written as underscores."""
        self.home = pathlib.Path(home) / "kafka"
        self.home.mkdir()
        self.port, self.tls_port, self.controller_port = quiet_port(), quiet_port(), quiet_port()
        self.brokers = f"127.0.0.1:{self.port}"
        self.log_path = self.home / "broker.log"
        self.process = None
        lines = {
            "process.roles": "broker,controller", "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},"
                         f"CONTROLLER://127.0.0.1:{self.controller_port}",
            "log.dirs": str(self.home / "data"), "num.partitions": str(PARTITIONS),
            "offsets.topic.replication.factor": "1",
            "group.initial.rebalance.delay.ms": "0",
        }
        if authority is not None:
            cert, key = authority.sign("broker", cert_days)
            chain = self.home / "broker-chain.pem"
            chain.write_text(key.read_text() + cert.read_text())
            protocol = "SSL" if asks_for_cert else "SASL_SSL"
            lines.update({
                "listeners": lines["listeners"] + f",{protocol}://localhost:{self.tls_port}",
                "listener.security.protocol.map":
                    f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{protocol}:{protocol}",
                "ssl.keystore.type": "PEM", "ssl.keystore.location": str(chain),
                "ssl.truststore.type": "PEM", "ssl.truststore.location": str(authority.cert),
                "ssl.client.auth": "required" if asks_for_cert else "none",
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config":
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            })
        lines.update({key.replace("_", "."): str(value) for key, value in settings.items()})
        self.properties = self.home / "server.properties"
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        self.java("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c",
                  str(self.properties), "--add-scram",
                  f'SCRAM-SHA-512=[name="telltale",password="{PASSWORD}"]').wait(START_TIMEOUT_S)

    def java(self, *arguments):
        with open(self.log_path, "ab") as log:
            return subprocess.Popen(
                ["java", "-Xmx384m", "-cp", f"{KAFKA}/broker/*", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self):
        begin = self.log_path.stat().st_size
        self.process = self.java("kafka.Kafka", str(self.properties))
        wait_until(lambda: self.is_ready(begin), START_TIMEOUT_S, "broker ready")
        return self

    def is_ready(self, begin):
        log = self.log_path.read_text(errors="replace")
        assert self.process.poll() is None, log[-4000:]
        return "Kafka Server started" in log[begin:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def make_topic(self, name, **settings):
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.brokers})
        topic = NewTopic(name, PARTITIONS, 1,
                         config={key.replace("_", "."): str(v) for key, v in settings.items()})
        admin.create_topics([topic])[name].result(60)

    def messages(self, topic):
        """All that is in the topic now, partition by partition."""
        from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "test",
                             "enable.auto.commit": False, "enable.partition.eof": True,
                             "message.max.bytes": 64 << 20})
        consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(PARTITIONS)])
        found, ends = [], 0
        try:
            while ends < PARTITIONS:
                message = consumer.poll(30)
                assert message is not None, "nothing from the broker for 30 s"
                if message.error() is None:
                    found.append(Message(message.partition(), message.offset(), message.key(),
                                         dict(message.headers() or []), message.value()))
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    ends += 1
                elif message.error().code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    return []
                else:
                    raise AssertionError(message.error())
        finally:
            consumer.close()
        return sorted(found, key=lambda message: (message.partition, message.offset))

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.kill()
