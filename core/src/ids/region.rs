//! AWS partitions and Regions.

use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;

use super::InvalidId;

/// A group of AWS Regions with IAM of its own. A role cannot be assumed across partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Partition {
    /// `aws`: the commercial Regions.
    Aws,
    /// `aws-cn`: China.
    China,
    /// `aws-us-gov`: GovCloud (US).
    UsGov,
    /// `aws-iso`: US ISO.
    Iso,
    /// `aws-iso-b`: US ISOB.
    IsoB,
    /// `aws-iso-e`: EU ISOE.
    IsoE,
    /// `aws-iso-f`: US ISOF.
    IsoF,
    /// `aws-eusc`: European Sovereign Cloud.
    Eusc,
}

impl Partition {
    /// All partitions.
    pub const ALL: [Self; 8] = [
        Self::Aws,
        Self::China,
        Self::UsGov,
        Self::Iso,
        Self::IsoB,
        Self::IsoE,
        Self::IsoF,
        Self::Eusc,
    ];

    /// The partition as it stands in ARNs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::UsGov => "aws-us-gov",
            Self::Iso => "aws-iso",
            Self::IsoB => "aws-iso-b",
            Self::IsoE => "aws-iso-e",
            Self::IsoF => "aws-iso-f",
            Self::Eusc => "aws-eusc",
        }
    }
}

impl std::fmt::Display for Partition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Partition {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL
            .into_iter()
            .find(|partition| partition.as_str() == text)
            .ok_or_else(|| InvalidId::new("partition", text, "AWS has no partition of this name"))
    }
}

/// The shape of Region names by partition, as the AWS SDKs' endpoint rules have it. The commercial
/// pattern is last because it is the widest.
static REGION_PATTERNS: LazyLock<Vec<(Regex, Partition)>> = LazyLock::new(|| {
    [
        (r"^cn-\w+-\d+$", Partition::China),
        (r"^us-gov-\w+-\d+$", Partition::UsGov),
        (r"^us-iso-\w+-\d+$", Partition::Iso),
        (r"^us-isob-\w+-\d+$", Partition::IsoB),
        (r"^eu-isoe-\w+-\d+$", Partition::IsoE),
        (r"^us-isof-\w+-\d+$", Partition::IsoF),
        (r"^eusc-(de)-\w+-\d+$", Partition::Eusc),
        (
            r"^(us|eu|ap|sa|ca|me|af|il|mx)-(central|(?:north|south)?(?:east|west)?)-\d+$",
            Partition::Aws,
        ),
    ]
    .into_iter()
    .filter_map(|(pattern, partition)| Some((Regex::new(pattern).ok()?, partition)))
    .collect()
});

/// A Region name such as `eu-central-1`. Only its shape is known: AWS adds Regions faster than we release.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String, Partition);

impl Region {
    /// The name as AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that the Region belongs to.
    pub fn partition(&self) -> Partition {
        self.1
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Region {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        REGION_PATTERNS
            .iter()
            .find(|(pattern, _)| pattern.is_match(text))
            .map(|(_, partition)| Self(text.to_owned(), *partition))
            .ok_or_else(|| {
                InvalidId::new(
                    "Region",
                    text,
                    "no AWS partition has Regions of this form (an example is eu-central-1)",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{Partition, Region};

    #[rstest::rstest]
    #[case("us-east-1", Partition::Aws)]
    #[case("ap-southeast-5", Partition::Aws)]
    #[case("mx-central-1", Partition::Aws)]
    #[case("cn-northwest-1", Partition::China)]
    #[case("us-gov-west-1", Partition::UsGov)]
    #[case("us-iso-east-1", Partition::Iso)]
    #[case("us-isob-east-1", Partition::IsoB)]
    #[case("eu-isoe-west-1", Partition::IsoE)]
    #[case("us-isof-south-1", Partition::IsoF)]
    #[case("eusc-de-east-1", Partition::Eusc)]
    fn a_region_tells_its_partition(#[case] text: &str, #[case] partition: Partition) {
        assert_eq!(text.parse::<Region>().unwrap().partition(), partition);
    }

    #[rstest::rstest]
    #[case("")]
    #[case("us-esat-1")]
    #[case("frankfurt")]
    #[case("eu-central")]
    #[case("eu-central-1a")]
    #[case("EU-CENTRAL-1")]
    fn a_misspelled_region_is_refused(#[case] text: &str) {
        assert!(text.parse::<Region>().is_err());
    }

    #[test]
    fn every_partition_reads_back_from_its_name() {
        for partition in Partition::ALL {
            assert_eq!(partition.as_str().parse::<Partition>().unwrap(), partition);
        }
    }
}
