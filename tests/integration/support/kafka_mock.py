# SPDX-License-Identifier: Apache-2.0
"""A Kafka cluster of librdkafka's mocking kind, in a process of its own (kafka_mock.c)."""

import collections
import subprocess

from support import facts
from support.daemon import BIN

PARTITIONS = 4

Message = collections.namedtuple("Message", "partition first_index key value")


class KafkaMock:
    def __init__(self, *topics):
        names = [word for topic in topics for word in (topic, str(PARTITIONS))]
        self.process = subprocess.Popen([str(BIN / "kafka_mock"), *names], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.brokers = self.process.stdout.readline().strip()
        assert self.brokers

    def tell(self, command):
        """Gives back the lines that it answers."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline()) != "done\n":
            assert line, "the mock cluster is gone"
            lines.append(line)
        return lines

    def messages(self, topic="otlp_logs"):
        found = []
        for line in self.tell(f"read {topic} {PARTITIONS}"):
            partition, first, key, value = line.split()
            found.append(Message(int(partition), int(first), bytes.fromhex(key[1:]),
                                 bytes.fromhex(value[1:])))
        return found

    def records(self, topic="otlp_logs"):
        return [record for message in self.messages(topic)
                for record in facts.of_protobuf(message.value)]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        self.process.wait(60)
