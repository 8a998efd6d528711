"""How columns become what an estimator can take. It is fitted and saved as a part of the model."""

import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def prepare_columns(X: pd.DataFrame) -> ColumnTransformer:
    """The unfitted preparation: missing numbers get the median, categories a column each, rare ones together."""
    numbers = X.select_dtypes("number").columns.to_list()
    categories = [name for name in X if name not in numbers]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=20), categories),
    )
