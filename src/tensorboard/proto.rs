//! The messages of an event file that this program writes or reads. Names and field numbers follow TensorBoard's
//! `event.proto`, `summary.proto`, `histogram.proto` and `tensor.proto`; fields that are not listed here are skipped when
//! reading.

/// The content of each file's first record.
pub(crate) const FILE_VERSION: &str = "brain.Event:2";

/// `DataType.DT_STRING`.
pub(crate) const DT_STRING: i32 = 7;

/// `DataClass.DATA_CLASS_TENSOR`.
pub(crate) const DATA_CLASS_TENSOR: i32 = 2;

/// `SessionLog.SessionStatus.START`.
pub(crate) const SESSION_START: i32 = 1;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct EventProto {
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    #[prost(oneof = "EventContent", tags = "3, 5, 7")]
    pub what: Option<EventContent>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum EventContent {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(SummaryProto),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionLog {
    #[prost(int32, tag = "1")]
    pub status: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SummaryProto {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<Value>,
}

/// `SummaryProto.Value`. Large contents are boxed, so that a record of many empty values stays small in memory.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Value {
    #[prost(string, tag = "1")]
    pub tag: String,
    #[prost(message, optional, boxed, tag = "9")]
    pub metadata: Option<Box<SummaryMetadata>>,
    #[prost(oneof = "ValueContent", tags = "2, 4, 5, 8")]
    pub content: Option<ValueContent>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum ValueContent {
    #[prost(float, tag = "2")]
    SimpleValue(f32),
    #[prost(message, boxed, tag = "4")]
    Image(Box<Image>),
    #[prost(message, boxed, tag = "5")]
    Histogram(Box<HistogramProto>),
    #[prost(message, boxed, tag = "8")]
    Tensor(Box<TensorProto>),
}

/// `SummaryProto.Image`. Colour space: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Image {
    #[prost(int32, tag = "1")]
    pub height: i32,
    #[prost(int32, tag = "2")]
    pub width: i32,
    #[prost(int32, tag = "3")]
    pub colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    pub encoded: Vec<u8>,
}

/// Bucket `i` counts the values from limit `i - 1` up to, but not including, limit `i`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HistogramProto {
    #[prost(double, tag = "1")]
    pub min: f64,
    #[prost(double, tag = "2")]
    pub max: f64,
    #[prost(double, tag = "3")]
    pub num: f64,
    #[prost(double, tag = "4")]
    pub sum: f64,
    #[prost(double, tag = "5")]
    pub sum_squares: f64,
    #[prost(double, repeated, tag = "6")]
    pub limits: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    pub counts: Vec<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SummaryMetadata {
    #[prost(message, optional, tag = "1")]
    pub plugin_data: Option<PluginData>,
    #[prost(int32, tag = "4")]
    pub data_class: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PluginData {
    #[prost(string, tag = "1")]
    pub plugin_name: String,
}

/// A tensor of strings; an empty shape is rank 0.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TensorProto {
    #[prost(int32, tag = "1")]
    pub dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShape>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub strings: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TensorShape {}
