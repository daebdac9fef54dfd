"""Which end of a record is the service, where no TCP flag tells: the rank of a port."""

from __future__ import annotations

REGISTERED = (
    1194,  # OpenVPN
    1433,  # SQL Server
    1434,
    1521,  # Oracle
    1645,  # RADIUS
    1646,
    1723,  # PPTP
    1812,
    1813,
    1883,  # MQTT
    2049,  # NFS
    2181,  # ZooKeeper
    2375,  # Docker
    2376,
    2379,  # etcd
    2380,
    3000,  # development servers, Grafana
    3128,  # Squid
    3260,  # iSCSI
    3268,  # Active Directory, global catalogue
    3269,
    3306,  # MySQL
    3389,  # RDP
    4222,  # NATS
    4317,  # OpenTelemetry
    4318,
    4500,  # IPsec NAT traversal
    4789,  # VXLAN
    5000,
    5044,  # Beats
    5060,  # SIP
    5061,
    5353,  # mDNS
    5432,  # PostgreSQL
    5439,  # Redshift
    5601,  # Kibana
    5671,  # AMQP
    5672,
    5900,  # VNC
    5985,  # WinRM
    5986,
    6081,  # Geneve
    6379,  # Redis
    6380,
    6443,  # Kubernetes
    7000,  # Cassandra
    7001,
    8000,
    8080,  # HTTP
    8081,
    8086,  # InfluxDB
    8088,
    8125,  # StatsD
    8182,  # Neptune
    8200,  # Vault
    8300,  # Consul
    8301,
    8443,  # HTTPS
    8500,
    8888,
    9000,
    9042,  # Cassandra, Keyspaces
    9090,  # Prometheus
    9092,  # Kafka
    9093,
    9094,
    9096,
    9098,
    9100,
    9142,
    9200,  # OpenSearch
    9300,
    9418,  # git
    10250,  # kubelet
    11211,  # Memcached
    15672,
    27017,  # MongoDB, DocumentDB
    27018,
    51820,  # WireGuard
)
"""Services that are common in a VPC and listen above 1023 (IANA's registry, AWS's defaults)."""

EPHEMERAL = 32_768
"""From here on clients on Linux and Windows take their ports."""
PORTS = 65_536


def rank_sql(port: str) -> str:
    """SQL for the rank of a port, see `orders`."""
    registered = ", ".join(str(number) for number in REGISTERED)
    return (
        f"CASE WHEN {port} < 1024 THEN 0 WHEN {port} IN ({registered}) THEN 1 "
        f"WHEN {port} < {EPHEMERAL} THEN 2 ELSE 3 END"
    )


def orders() -> list[int]:
    """For each port its place among all: the end whose port comes first is the service. By rank
    (0 well known, 1 registered, 2 below `EPHEMERAL`, 3 above), then by number."""
    registered = frozenset(REGISTERED)
    return [_rank(port, registered) * PORTS + port for port in range(PORTS)]


def _rank(port: int, registered: frozenset[int]) -> int:
    if port < 1024:
        return 0
    if port in registered:
        return 1
    return 2 if port < EPHEMERAL else 3
