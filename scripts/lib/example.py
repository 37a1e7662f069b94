"""What is known beforehand of the cluster of the worked example, profiles/patroni.yaml."""

# A member's id is a hash of its peer URLs and the cluster's token: the ids say that etcd understood the profile as it is meant.
MEMBER_IDS = {
    ("ptrn-1", "192.168.2.96"): "f403d838dccf937b",
    ("ptrn-2", "192.168.2.91"): "83b8164138628079",
    ("ptrn-3", "192.168.2.98"): "455812df4c39a5e5",
}
