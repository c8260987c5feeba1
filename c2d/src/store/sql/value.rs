//! Values on their way into columns and out of them. There are four kinds, whatever engine keeps them:
//! integers, texts, bytes and nothing; truth is 0 or 1.

/// A value that somebody else owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum ValueRef<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// A value for a condition that is put together at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Value {
    Int(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// What can be bound to a parameter.
pub(in crate::store) trait ToColumn {
    fn value(&self) -> ValueRef<'_>;
}

impl ToColumn for Value {
    fn value(&self) -> ValueRef<'_> {
        match self {
            Self::Int(n) => ValueRef::Int(*n),
            Self::Text(text) => ValueRef::Text(text),
        }
    }
}

impl ToColumn for i64 {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Int(*self)
    }
}

impl ToColumn for u32 {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Int((*self).into())
    }
}

impl ToColumn for bool {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Int((*self).into())
    }
}

impl ToColumn for str {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}

impl ToColumn for String {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Text(self)
    }
}

impl ToColumn for [u8] {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Blob(self)
    }
}

impl<const N: usize> ToColumn for [u8; N] {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Blob(self)
    }
}

impl<T: ToColumn> ToColumn for Option<T> {
    fn value(&self) -> ValueRef<'_> {
        self.as_ref().map_or(ValueRef::Null, ToColumn::value)
    }
}

impl<T: ToColumn + ?Sized> ToColumn for &T {
    fn value(&self) -> ValueRef<'_> {
        (**self).value()
    }
}

/// What a column can be read as; says of what it is not what was wanted.
pub(in crate::store) trait FromColumn: Sized {
    fn of(value: ValueRef<'_>) -> Result<Self, &'static str>;
}

impl FromColumn for i64 {
    fn of(value: ValueRef<'_>) -> Result<Self, &'static str> {
        if let ValueRef::Int(n) = value { Ok(n) } else { Err("number") }
    }
}

impl FromColumn for u32 {
    fn of(value: ValueRef<'_>) -> Result<Self, &'static str> {
        i64::of(value).and_then(|n| Self::try_from(n).map_err(|_| "count"))
    }
}

impl FromColumn for bool {
    fn of(value: ValueRef<'_>) -> Result<Self, &'static str> {
        i64::of(value).map(|n| n != 0)
    }
}

impl FromColumn for String {
    fn of(value: ValueRef<'_>) -> Result<Self, &'static str> {
        if let ValueRef::Text(text) = value { Ok(text.to_owned()) } else { Err("text") }
    }
}

impl FromColumn for Vec<u8> {
    fn of(value: ValueRef<'_>) -> Result<Self, &'static str> {
        if let ValueRef::Blob(bytes) = value { Ok(bytes.to_vec()) } else { Err("bytes") }
    }
}

impl<const N: usize> FromColumn for [u8; N] {
    fn of(value: ValueRef<'_>) -> Result<Self, &'static str> {
        if let ValueRef::Blob(bytes) = value { bytes.try_into().map_err(|_| "digest") } else { Err("bytes") }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn of(value: ValueRef<'_>) -> Result<Self, &'static str> {
        if value == ValueRef::Null { Ok(None) } else { T::of(value).map(Some) }
    }
}

/// The values of a statement, in the order of its parameters.
pub(in crate::store) trait Params {
    fn each<'a>(&'a self, bind: &mut dyn FnMut(ValueRef<'a>));
}

impl<T: ToColumn, const N: usize> Params for [T; N] {
    fn each<'a>(&'a self, bind: &mut dyn FnMut(ValueRef<'a>)) {
        self.iter().for_each(|value| bind(value.value()));
    }
}

impl Params for Vec<Value> {
    fn each<'a>(&'a self, bind: &mut dyn FnMut(ValueRef<'a>)) {
        self.iter().for_each(|value| bind(value.value()));
    }
}

impl Params for Vec<ValueRef<'_>> {
    fn each<'a>(&'a self, bind: &mut dyn FnMut(ValueRef<'a>)) {
        self.iter().for_each(|value| bind(*value));
    }
}

impl Params for &[&dyn ToColumn] {
    fn each<'a>(&'a self, bind: &mut dyn FnMut(ValueRef<'a>)) {
        self.iter().for_each(|value| bind(value.value()));
    }
}

impl Params for () {
    fn each<'a>(&'a self, _bind: &mut dyn FnMut(ValueRef<'a>)) {}
}

macro_rules! tuples {
    ($($name:ident $index:tt)+) => {
        impl<$($name: ToColumn),+> Params for ($($name,)+) {
            fn each<'a>(&'a self, bind: &mut dyn FnMut(ValueRef<'a>)) {
                $(bind(self.$index.value());)+
            }
        }
    };
}

tuples!(A 0 B 1);
tuples!(A 0 B 1 C 2);
tuples!(A 0 B 1 C 2 D 3);
tuples!(A 0 B 1 C 2 D 3 E 4);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);

/// More values than a tuple is good for.
macro_rules! params {
    ($($value:expr),+ $(,)?) => {
        &[$(&$value as &dyn $crate::store::sql::ToColumn),+] as &[&dyn $crate::store::sql::ToColumn]
    };
}
pub(in crate::store) use params;
